# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_authkit_global_optspecs
    string join \n h/help V/version
end

function __fish_authkit_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_authkit_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_authkit_using_subcommand
    set -l cmd (__fish_authkit_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c authkit -n "__fish_authkit_needs_command" -s h -l help -d 'Print help'
complete -c authkit -n "__fish_authkit_needs_command" -s V -l version -d 'Print version'
complete -c authkit -n "__fish_authkit_needs_command" -f -a "verify" -d 'Judge a token as a server with this configuration would'
complete -c authkit -n "__fish_authkit_needs_command" -f -a "config" -d 'Show the configuration in force, without a secret'
complete -c authkit -n "__fish_authkit_needs_command" -f -a "inspect" -d 'Show what a token says, WITHOUT verifying it'
complete -c authkit -n "__fish_authkit_needs_command" -f -a "jwks" -d 'Fetch the issuers\' keys, and show which are used, which are not and why'
complete -c authkit -n "__fish_authkit_needs_command" -f -a "doctor" -d 'Examine an MCP server and its authorization server, and say what to change where'
complete -c authkit -n "__fish_authkit_needs_command" -f -a "serve" -d 'Decide on requests for a reverse proxy on this machine, over HTTP'
complete -c authkit -n "__fish_authkit_needs_command" -f -a "vectors" -d 'Run test vectors against this library'
complete -c authkit -n "__fish_authkit_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c authkit -n "__fish_authkit_using_subcommand verify" -l token-file -d 'Read the token from this file; default (and -): standard input' -r -F
complete -c authkit -n "__fish_authkit_using_subcommand verify" -l require-scope -d 'A scope that the operation needs, beyond the configured ones; repeat for several' -r
complete -c authkit -n "__fish_authkit_using_subcommand verify" -l require-any-scope -d 'Scopes of which the operation needs one, such as a,b; repeat for several such groups' -r
complete -c authkit -n "__fish_authkit_using_subcommand verify" -l config -d 'A JSON object whose members are the settings below' -r -F
complete -c authkit -n "__fish_authkit_using_subcommand verify" -l env-file -d 'An env file (.env) for what the environment does not set' -r -F
complete -c authkit -n "__fish_authkit_using_subcommand verify" -l authkit-domain -d 'The AuthKit domain, such as https://your-project-12345.authkit.app' -r
complete -c authkit -n "__fish_authkit_using_subcommand verify" -l base-url -d 'The server\'s public URL, without the MCP path' -r
complete -c authkit -n "__fish_authkit_using_subcommand verify" -l mcp-path -d 'Where the MCP endpoint lies below it [default: /mcp]' -r
complete -c authkit -n "__fish_authkit_using_subcommand verify" -l resource -d 'The resource whole, in place of base URL and path' -r
complete -c authkit -n "__fish_authkit_using_subcommand verify" -l resource-name -d 'The resource\'s name for people, announced' -r
complete -c authkit -n "__fish_authkit_using_subcommand verify" -l resource-documentation -d 'Where developers read about it, announced' -r
complete -c authkit -n "__fish_authkit_using_subcommand verify" -l audiences -d 'Audiences to accept [default: the resource]' -r
complete -c authkit -n "__fish_authkit_using_subcommand verify" -l accept-client-id-audience -d 'Client ids to accept as audience, for machine tokens' -r
complete -c authkit -n "__fish_authkit_using_subcommand verify" -l ignore-trailing-slash -d 'Take an audience that differs by a trailing slash only' -r
complete -c authkit -n "__fish_authkit_using_subcommand verify" -l required-scopes -d 'Scopes that every token must carry' -r
complete -c authkit -n "__fish_authkit_using_subcommand verify" -l scopes-supported -d 'Scopes to announce [default: the required ones]' -r
complete -c authkit -n "__fish_authkit_using_subcommand verify" -l scope-claims -d 'Claims that hold scopes [default: scope, else scp]' -r
complete -c authkit -n "__fish_authkit_using_subcommand verify" -l scope-hierarchy -d 'Which scope includes which: {"admin": ["read"]}' -r
complete -c authkit -n "__fish_authkit_using_subcommand verify" -l issuers -d 'Allow-listed issuers and their JWKS: {"https://issuer": "https://jwks"}' -r
complete -c authkit -n "__fish_authkit_using_subcommand verify" -l session-client-id -d 'Client id whose AuthKit session tokens are accepted too' -r
complete -c authkit -n "__fish_authkit_using_subcommand verify" -l algorithms -d 'Signature algorithms to accept [default: RS256]' -r
complete -c authkit -n "__fish_authkit_using_subcommand verify" -l leeway -d 'Clock skew to allow, at most 300 [default: 60]' -r
complete -c authkit -n "__fish_authkit_using_subcommand verify" -l max-token-age -d 'Oldest acceptable iat [default: any]' -r
complete -c authkit -n "__fish_authkit_using_subcommand verify" -l typ -d 'Which typ headers to accept [default: any]' -r
complete -c authkit -n "__fish_authkit_using_subcommand verify" -l now -d 'Judge as of this Unix time [default: the clock]' -r
complete -c authkit -n "__fish_authkit_using_subcommand verify" -l jwks -d 'The issuer\'s keys as a JWKS document; nothing is fetched' -r
complete -c authkit -n "__fish_authkit_using_subcommand verify" -l allow-insecure-loopback -d 'Allow http:// to this machine, for a local test server' -r
complete -c authkit -n "__fish_authkit_using_subcommand verify" -l allow-insecure-http -d 'Hosts for which http:// is allowed; anyone on the way can replace the keys' -r
complete -c authkit -n "__fish_authkit_using_subcommand verify" -l ca-file -d 'PEM file of certificate authorities to trust as well' -r
complete -c authkit -n "__fish_authkit_using_subcommand verify" -l extra-ca-file -d 'As --ca-file, but skipped if it cannot be used' -r
complete -c authkit -n "__fish_authkit_using_subcommand verify" -l proxy -d 'Proxy to fetch keys through; the environment\'s is not used' -r
complete -c authkit -n "__fish_authkit_using_subcommand verify" -l fetch-timeout -d 'How long a fetch may take and a call may wait, 1 to 30 [default: 5]' -r
complete -c authkit -n "__fish_authkit_using_subcommand verify" -l refresh-mode -d 'background, inline or manual [default: background]' -r
complete -c authkit -n "__fish_authkit_using_subcommand verify" -l jwks-cache-dir -d 'Directory in which processes of one user share fetched keys' -r
complete -c authkit -n "__fish_authkit_using_subcommand verify" -l token-cache-size -d 'Verified tokens to keep, 0 to 65536 [default: 1024]' -r
complete -c authkit -n "__fish_authkit_using_subcommand verify" -l json -d 'Print one JSON object instead of text'
complete -c authkit -n "__fish_authkit_using_subcommand verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c authkit -n "__fish_authkit_using_subcommand config" -l config -d 'A JSON object whose members are the settings below' -r -F
complete -c authkit -n "__fish_authkit_using_subcommand config" -l env-file -d 'An env file (.env) for what the environment does not set' -r -F
complete -c authkit -n "__fish_authkit_using_subcommand config" -l authkit-domain -d 'The AuthKit domain, such as https://your-project-12345.authkit.app' -r
complete -c authkit -n "__fish_authkit_using_subcommand config" -l base-url -d 'The server\'s public URL, without the MCP path' -r
complete -c authkit -n "__fish_authkit_using_subcommand config" -l mcp-path -d 'Where the MCP endpoint lies below it [default: /mcp]' -r
complete -c authkit -n "__fish_authkit_using_subcommand config" -l resource -d 'The resource whole, in place of base URL and path' -r
complete -c authkit -n "__fish_authkit_using_subcommand config" -l resource-name -d 'The resource\'s name for people, announced' -r
complete -c authkit -n "__fish_authkit_using_subcommand config" -l resource-documentation -d 'Where developers read about it, announced' -r
complete -c authkit -n "__fish_authkit_using_subcommand config" -l audiences -d 'Audiences to accept [default: the resource]' -r
complete -c authkit -n "__fish_authkit_using_subcommand config" -l accept-client-id-audience -d 'Client ids to accept as audience, for machine tokens' -r
complete -c authkit -n "__fish_authkit_using_subcommand config" -l ignore-trailing-slash -d 'Take an audience that differs by a trailing slash only' -r
complete -c authkit -n "__fish_authkit_using_subcommand config" -l required-scopes -d 'Scopes that every token must carry' -r
complete -c authkit -n "__fish_authkit_using_subcommand config" -l scopes-supported -d 'Scopes to announce [default: the required ones]' -r
complete -c authkit -n "__fish_authkit_using_subcommand config" -l scope-claims -d 'Claims that hold scopes [default: scope, else scp]' -r
complete -c authkit -n "__fish_authkit_using_subcommand config" -l scope-hierarchy -d 'Which scope includes which: {"admin": ["read"]}' -r
complete -c authkit -n "__fish_authkit_using_subcommand config" -l issuers -d 'Allow-listed issuers and their JWKS: {"https://issuer": "https://jwks"}' -r
complete -c authkit -n "__fish_authkit_using_subcommand config" -l session-client-id -d 'Client id whose AuthKit session tokens are accepted too' -r
complete -c authkit -n "__fish_authkit_using_subcommand config" -l algorithms -d 'Signature algorithms to accept [default: RS256]' -r
complete -c authkit -n "__fish_authkit_using_subcommand config" -l leeway -d 'Clock skew to allow, at most 300 [default: 60]' -r
complete -c authkit -n "__fish_authkit_using_subcommand config" -l max-token-age -d 'Oldest acceptable iat [default: any]' -r
complete -c authkit -n "__fish_authkit_using_subcommand config" -l typ -d 'Which typ headers to accept [default: any]' -r
complete -c authkit -n "__fish_authkit_using_subcommand config" -l now -d 'Judge as of this Unix time [default: the clock]' -r
complete -c authkit -n "__fish_authkit_using_subcommand config" -l jwks -d 'The issuer\'s keys as a JWKS document; nothing is fetched' -r
complete -c authkit -n "__fish_authkit_using_subcommand config" -l allow-insecure-loopback -d 'Allow http:// to this machine, for a local test server' -r
complete -c authkit -n "__fish_authkit_using_subcommand config" -l allow-insecure-http -d 'Hosts for which http:// is allowed; anyone on the way can replace the keys' -r
complete -c authkit -n "__fish_authkit_using_subcommand config" -l ca-file -d 'PEM file of certificate authorities to trust as well' -r
complete -c authkit -n "__fish_authkit_using_subcommand config" -l extra-ca-file -d 'As --ca-file, but skipped if it cannot be used' -r
complete -c authkit -n "__fish_authkit_using_subcommand config" -l proxy -d 'Proxy to fetch keys through; the environment\'s is not used' -r
complete -c authkit -n "__fish_authkit_using_subcommand config" -l fetch-timeout -d 'How long a fetch may take and a call may wait, 1 to 30 [default: 5]' -r
complete -c authkit -n "__fish_authkit_using_subcommand config" -l refresh-mode -d 'background, inline or manual [default: background]' -r
complete -c authkit -n "__fish_authkit_using_subcommand config" -l jwks-cache-dir -d 'Directory in which processes of one user share fetched keys' -r
complete -c authkit -n "__fish_authkit_using_subcommand config" -l token-cache-size -d 'Verified tokens to keep, 0 to 65536 [default: 1024]' -r
complete -c authkit -n "__fish_authkit_using_subcommand config" -l json -d 'Print one JSON object instead of text'
complete -c authkit -n "__fish_authkit_using_subcommand config" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c authkit -n "__fish_authkit_using_subcommand inspect" -l token-file -d 'Read the token from this file; default (and -): standard input' -r -F
complete -c authkit -n "__fish_authkit_using_subcommand inspect" -l now -d 'Remark as of this Unix time instead of the clock\'s' -r
complete -c authkit -n "__fish_authkit_using_subcommand inspect" -l json -d 'Print one JSON object instead of text; it has "verified": false'
complete -c authkit -n "__fish_authkit_using_subcommand inspect" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c authkit -n "__fish_authkit_using_subcommand jwks" -l config -d 'A JSON object whose members are the settings below' -r -F
complete -c authkit -n "__fish_authkit_using_subcommand jwks" -l env-file -d 'An env file (.env) for what the environment does not set' -r -F
complete -c authkit -n "__fish_authkit_using_subcommand jwks" -l authkit-domain -d 'The AuthKit domain, such as https://your-project-12345.authkit.app' -r
complete -c authkit -n "__fish_authkit_using_subcommand jwks" -l base-url -d 'The server\'s public URL, without the MCP path' -r
complete -c authkit -n "__fish_authkit_using_subcommand jwks" -l mcp-path -d 'Where the MCP endpoint lies below it [default: /mcp]' -r
complete -c authkit -n "__fish_authkit_using_subcommand jwks" -l resource -d 'The resource whole, in place of base URL and path' -r
complete -c authkit -n "__fish_authkit_using_subcommand jwks" -l resource-name -d 'The resource\'s name for people, announced' -r
complete -c authkit -n "__fish_authkit_using_subcommand jwks" -l resource-documentation -d 'Where developers read about it, announced' -r
complete -c authkit -n "__fish_authkit_using_subcommand jwks" -l audiences -d 'Audiences to accept [default: the resource]' -r
complete -c authkit -n "__fish_authkit_using_subcommand jwks" -l accept-client-id-audience -d 'Client ids to accept as audience, for machine tokens' -r
complete -c authkit -n "__fish_authkit_using_subcommand jwks" -l ignore-trailing-slash -d 'Take an audience that differs by a trailing slash only' -r
complete -c authkit -n "__fish_authkit_using_subcommand jwks" -l required-scopes -d 'Scopes that every token must carry' -r
complete -c authkit -n "__fish_authkit_using_subcommand jwks" -l scopes-supported -d 'Scopes to announce [default: the required ones]' -r
complete -c authkit -n "__fish_authkit_using_subcommand jwks" -l scope-claims -d 'Claims that hold scopes [default: scope, else scp]' -r
complete -c authkit -n "__fish_authkit_using_subcommand jwks" -l scope-hierarchy -d 'Which scope includes which: {"admin": ["read"]}' -r
complete -c authkit -n "__fish_authkit_using_subcommand jwks" -l issuers -d 'Allow-listed issuers and their JWKS: {"https://issuer": "https://jwks"}' -r
complete -c authkit -n "__fish_authkit_using_subcommand jwks" -l session-client-id -d 'Client id whose AuthKit session tokens are accepted too' -r
complete -c authkit -n "__fish_authkit_using_subcommand jwks" -l algorithms -d 'Signature algorithms to accept [default: RS256]' -r
complete -c authkit -n "__fish_authkit_using_subcommand jwks" -l leeway -d 'Clock skew to allow, at most 300 [default: 60]' -r
complete -c authkit -n "__fish_authkit_using_subcommand jwks" -l max-token-age -d 'Oldest acceptable iat [default: any]' -r
complete -c authkit -n "__fish_authkit_using_subcommand jwks" -l typ -d 'Which typ headers to accept [default: any]' -r
complete -c authkit -n "__fish_authkit_using_subcommand jwks" -l now -d 'Judge as of this Unix time [default: the clock]' -r
complete -c authkit -n "__fish_authkit_using_subcommand jwks" -l jwks -d 'The issuer\'s keys as a JWKS document; nothing is fetched' -r
complete -c authkit -n "__fish_authkit_using_subcommand jwks" -l allow-insecure-loopback -d 'Allow http:// to this machine, for a local test server' -r
complete -c authkit -n "__fish_authkit_using_subcommand jwks" -l allow-insecure-http -d 'Hosts for which http:// is allowed; anyone on the way can replace the keys' -r
complete -c authkit -n "__fish_authkit_using_subcommand jwks" -l ca-file -d 'PEM file of certificate authorities to trust as well' -r
complete -c authkit -n "__fish_authkit_using_subcommand jwks" -l extra-ca-file -d 'As --ca-file, but skipped if it cannot be used' -r
complete -c authkit -n "__fish_authkit_using_subcommand jwks" -l proxy -d 'Proxy to fetch keys through; the environment\'s is not used' -r
complete -c authkit -n "__fish_authkit_using_subcommand jwks" -l fetch-timeout -d 'How long a fetch may take and a call may wait, 1 to 30 [default: 5]' -r
complete -c authkit -n "__fish_authkit_using_subcommand jwks" -l refresh-mode -d 'background, inline or manual [default: background]' -r
complete -c authkit -n "__fish_authkit_using_subcommand jwks" -l jwks-cache-dir -d 'Directory in which processes of one user share fetched keys' -r
complete -c authkit -n "__fish_authkit_using_subcommand jwks" -l token-cache-size -d 'Verified tokens to keep, 0 to 65536 [default: 1024]' -r
complete -c authkit -n "__fish_authkit_using_subcommand jwks" -l json -d 'Print one JSON object instead of text'
complete -c authkit -n "__fish_authkit_using_subcommand jwks" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c authkit -n "__fish_authkit_using_subcommand doctor" -l token-file -d 'Examine with this token too: a file, or - for standard input; never an argument' -r -F
complete -c authkit -n "__fish_authkit_using_subcommand doctor" -l connect -d 'Reach the server at this place: HOST:PORT, or http://HOST:PORT where it speaks no TLS there. Its URLs stay those of the resource' -r
complete -c authkit -n "__fish_authkit_using_subcommand doctor" -l config -d 'A JSON object whose members are the settings below' -r -F
complete -c authkit -n "__fish_authkit_using_subcommand doctor" -l env-file -d 'An env file (.env) for what the environment does not set' -r -F
complete -c authkit -n "__fish_authkit_using_subcommand doctor" -l authkit-domain -d 'The AuthKit domain, such as https://your-project-12345.authkit.app' -r
complete -c authkit -n "__fish_authkit_using_subcommand doctor" -l base-url -d 'The server\'s public URL, without the MCP path' -r
complete -c authkit -n "__fish_authkit_using_subcommand doctor" -l mcp-path -d 'Where the MCP endpoint lies below it [default: /mcp]' -r
complete -c authkit -n "__fish_authkit_using_subcommand doctor" -l resource -d 'The resource whole, in place of base URL and path' -r
complete -c authkit -n "__fish_authkit_using_subcommand doctor" -l resource-name -d 'The resource\'s name for people, announced' -r
complete -c authkit -n "__fish_authkit_using_subcommand doctor" -l resource-documentation -d 'Where developers read about it, announced' -r
complete -c authkit -n "__fish_authkit_using_subcommand doctor" -l audiences -d 'Audiences to accept [default: the resource]' -r
complete -c authkit -n "__fish_authkit_using_subcommand doctor" -l accept-client-id-audience -d 'Client ids to accept as audience, for machine tokens' -r
complete -c authkit -n "__fish_authkit_using_subcommand doctor" -l ignore-trailing-slash -d 'Take an audience that differs by a trailing slash only' -r
complete -c authkit -n "__fish_authkit_using_subcommand doctor" -l required-scopes -d 'Scopes that every token must carry' -r
complete -c authkit -n "__fish_authkit_using_subcommand doctor" -l scopes-supported -d 'Scopes to announce [default: the required ones]' -r
complete -c authkit -n "__fish_authkit_using_subcommand doctor" -l scope-claims -d 'Claims that hold scopes [default: scope, else scp]' -r
complete -c authkit -n "__fish_authkit_using_subcommand doctor" -l scope-hierarchy -d 'Which scope includes which: {"admin": ["read"]}' -r
complete -c authkit -n "__fish_authkit_using_subcommand doctor" -l issuers -d 'Allow-listed issuers and their JWKS: {"https://issuer": "https://jwks"}' -r
complete -c authkit -n "__fish_authkit_using_subcommand doctor" -l session-client-id -d 'Client id whose AuthKit session tokens are accepted too' -r
complete -c authkit -n "__fish_authkit_using_subcommand doctor" -l algorithms -d 'Signature algorithms to accept [default: RS256]' -r
complete -c authkit -n "__fish_authkit_using_subcommand doctor" -l leeway -d 'Clock skew to allow, at most 300 [default: 60]' -r
complete -c authkit -n "__fish_authkit_using_subcommand doctor" -l max-token-age -d 'Oldest acceptable iat [default: any]' -r
complete -c authkit -n "__fish_authkit_using_subcommand doctor" -l typ -d 'Which typ headers to accept [default: any]' -r
complete -c authkit -n "__fish_authkit_using_subcommand doctor" -l now -d 'Judge as of this Unix time [default: the clock]' -r
complete -c authkit -n "__fish_authkit_using_subcommand doctor" -l jwks -d 'The issuer\'s keys as a JWKS document; nothing is fetched' -r
complete -c authkit -n "__fish_authkit_using_subcommand doctor" -l allow-insecure-loopback -d 'Allow http:// to this machine, for a local test server' -r
complete -c authkit -n "__fish_authkit_using_subcommand doctor" -l allow-insecure-http -d 'Hosts for which http:// is allowed; anyone on the way can replace the keys' -r
complete -c authkit -n "__fish_authkit_using_subcommand doctor" -l ca-file -d 'PEM file of certificate authorities to trust as well' -r
complete -c authkit -n "__fish_authkit_using_subcommand doctor" -l extra-ca-file -d 'As --ca-file, but skipped if it cannot be used' -r
complete -c authkit -n "__fish_authkit_using_subcommand doctor" -l proxy -d 'Proxy to fetch keys through; the environment\'s is not used' -r
complete -c authkit -n "__fish_authkit_using_subcommand doctor" -l fetch-timeout -d 'How long a fetch may take and a call may wait, 1 to 30 [default: 5]' -r
complete -c authkit -n "__fish_authkit_using_subcommand doctor" -l refresh-mode -d 'background, inline or manual [default: background]' -r
complete -c authkit -n "__fish_authkit_using_subcommand doctor" -l jwks-cache-dir -d 'Directory in which processes of one user share fetched keys' -r
complete -c authkit -n "__fish_authkit_using_subcommand doctor" -l token-cache-size -d 'Verified tokens to keep, 0 to 65536 [default: 1024]' -r
complete -c authkit -n "__fish_authkit_using_subcommand doctor" -l call-tools -d 'Call the server\'s tools with the token, to see which refuse it for its scopes. The arguments are of a wrong type: no SDK runs a tool by them, but a server of your own make may. Tools marked destructive are not called'
complete -c authkit -n "__fish_authkit_using_subcommand doctor" -l problems -d 'Show only what is wrong: each warn and fail'
complete -c authkit -n "__fish_authkit_using_subcommand doctor" -l json -d 'Print one JSON object instead of a table'
complete -c authkit -n "__fish_authkit_using_subcommand doctor" -l no-color -d 'Use no colours; they are used on a terminal alone, and not where NO_COLOR is set'
complete -c authkit -n "__fish_authkit_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c authkit -n "__fish_authkit_using_subcommand serve" -l listen -d 'Where to listen: 127.0.0.1:PORT, [::1]:PORT or unix:PATH; nowhere but on this machine. Port 0 is any that is free; the first line on standard error tells it' -r
complete -c authkit -n "__fish_authkit_using_subcommand serve" -l socket-mode -d 'Who may connect to unix:PATH: its owner (600), or its group too (660)' -r -f -a "600\t''
660\t''"
complete -c authkit -n "__fish_authkit_using_subcommand serve" -l socket-group -d 'The group that may connect to unix:PATH, such as www-data; by name or number' -r
complete -c authkit -n "__fish_authkit_using_subcommand serve" -l max-connections -d 'Connections at a time; for one more, the one that has been quiet longest is closed' -r
complete -c authkit -n "__fish_authkit_using_subcommand serve" -l config -d 'A JSON object whose members are the settings below' -r -F
complete -c authkit -n "__fish_authkit_using_subcommand serve" -l env-file -d 'An env file (.env) for what the environment does not set' -r -F
complete -c authkit -n "__fish_authkit_using_subcommand serve" -l authkit-domain -d 'The AuthKit domain, such as https://your-project-12345.authkit.app' -r
complete -c authkit -n "__fish_authkit_using_subcommand serve" -l base-url -d 'The server\'s public URL, without the MCP path' -r
complete -c authkit -n "__fish_authkit_using_subcommand serve" -l mcp-path -d 'Where the MCP endpoint lies below it [default: /mcp]' -r
complete -c authkit -n "__fish_authkit_using_subcommand serve" -l resource -d 'The resource whole, in place of base URL and path' -r
complete -c authkit -n "__fish_authkit_using_subcommand serve" -l resource-name -d 'The resource\'s name for people, announced' -r
complete -c authkit -n "__fish_authkit_using_subcommand serve" -l resource-documentation -d 'Where developers read about it, announced' -r
complete -c authkit -n "__fish_authkit_using_subcommand serve" -l audiences -d 'Audiences to accept [default: the resource]' -r
complete -c authkit -n "__fish_authkit_using_subcommand serve" -l accept-client-id-audience -d 'Client ids to accept as audience, for machine tokens' -r
complete -c authkit -n "__fish_authkit_using_subcommand serve" -l ignore-trailing-slash -d 'Take an audience that differs by a trailing slash only' -r
complete -c authkit -n "__fish_authkit_using_subcommand serve" -l required-scopes -d 'Scopes that every token must carry' -r
complete -c authkit -n "__fish_authkit_using_subcommand serve" -l scopes-supported -d 'Scopes to announce [default: the required ones]' -r
complete -c authkit -n "__fish_authkit_using_subcommand serve" -l scope-claims -d 'Claims that hold scopes [default: scope, else scp]' -r
complete -c authkit -n "__fish_authkit_using_subcommand serve" -l scope-hierarchy -d 'Which scope includes which: {"admin": ["read"]}' -r
complete -c authkit -n "__fish_authkit_using_subcommand serve" -l issuers -d 'Allow-listed issuers and their JWKS: {"https://issuer": "https://jwks"}' -r
complete -c authkit -n "__fish_authkit_using_subcommand serve" -l session-client-id -d 'Client id whose AuthKit session tokens are accepted too' -r
complete -c authkit -n "__fish_authkit_using_subcommand serve" -l algorithms -d 'Signature algorithms to accept [default: RS256]' -r
complete -c authkit -n "__fish_authkit_using_subcommand serve" -l leeway -d 'Clock skew to allow, at most 300 [default: 60]' -r
complete -c authkit -n "__fish_authkit_using_subcommand serve" -l max-token-age -d 'Oldest acceptable iat [default: any]' -r
complete -c authkit -n "__fish_authkit_using_subcommand serve" -l typ -d 'Which typ headers to accept [default: any]' -r
complete -c authkit -n "__fish_authkit_using_subcommand serve" -l now -d 'Judge as of this Unix time [default: the clock]' -r
complete -c authkit -n "__fish_authkit_using_subcommand serve" -l jwks -d 'The issuer\'s keys as a JWKS document; nothing is fetched' -r
complete -c authkit -n "__fish_authkit_using_subcommand serve" -l allow-insecure-loopback -d 'Allow http:// to this machine, for a local test server' -r
complete -c authkit -n "__fish_authkit_using_subcommand serve" -l allow-insecure-http -d 'Hosts for which http:// is allowed; anyone on the way can replace the keys' -r
complete -c authkit -n "__fish_authkit_using_subcommand serve" -l ca-file -d 'PEM file of certificate authorities to trust as well' -r
complete -c authkit -n "__fish_authkit_using_subcommand serve" -l extra-ca-file -d 'As --ca-file, but skipped if it cannot be used' -r
complete -c authkit -n "__fish_authkit_using_subcommand serve" -l proxy -d 'Proxy to fetch keys through; the environment\'s is not used' -r
complete -c authkit -n "__fish_authkit_using_subcommand serve" -l fetch-timeout -d 'How long a fetch may take and a call may wait, 1 to 30 [default: 5]' -r
complete -c authkit -n "__fish_authkit_using_subcommand serve" -l refresh-mode -d 'background, inline or manual [default: background]' -r
complete -c authkit -n "__fish_authkit_using_subcommand serve" -l jwks-cache-dir -d 'Directory in which processes of one user share fetched keys' -r
complete -c authkit -n "__fish_authkit_using_subcommand serve" -l token-cache-size -d 'Verified tokens to keep, 0 to 65536 [default: 1024]' -r
complete -c authkit -n "__fish_authkit_using_subcommand serve" -l quiet -d 'Write no lines about refusals'
complete -c authkit -n "__fish_authkit_using_subcommand serve" -l access-log -d 'Write a line for each request: its id (X-Request-Id, or one that is made), place, status and time. No path, query or token of the client\'s'
complete -c authkit -n "__fish_authkit_using_subcommand serve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c authkit -n "__fish_authkit_using_subcommand vectors" -l json -d 'Print one JSON object instead of text'
complete -c authkit -n "__fish_authkit_using_subcommand vectors" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c authkit -n "__fish_authkit_using_subcommand help; and not __fish_seen_subcommand_from verify config inspect jwks doctor serve vectors help" -f -a "verify" -d 'Judge a token as a server with this configuration would'
complete -c authkit -n "__fish_authkit_using_subcommand help; and not __fish_seen_subcommand_from verify config inspect jwks doctor serve vectors help" -f -a "config" -d 'Show the configuration in force, without a secret'
complete -c authkit -n "__fish_authkit_using_subcommand help; and not __fish_seen_subcommand_from verify config inspect jwks doctor serve vectors help" -f -a "inspect" -d 'Show what a token says, WITHOUT verifying it'
complete -c authkit -n "__fish_authkit_using_subcommand help; and not __fish_seen_subcommand_from verify config inspect jwks doctor serve vectors help" -f -a "jwks" -d 'Fetch the issuers\' keys, and show which are used, which are not and why'
complete -c authkit -n "__fish_authkit_using_subcommand help; and not __fish_seen_subcommand_from verify config inspect jwks doctor serve vectors help" -f -a "doctor" -d 'Examine an MCP server and its authorization server, and say what to change where'
complete -c authkit -n "__fish_authkit_using_subcommand help; and not __fish_seen_subcommand_from verify config inspect jwks doctor serve vectors help" -f -a "serve" -d 'Decide on requests for a reverse proxy on this machine, over HTTP'
complete -c authkit -n "__fish_authkit_using_subcommand help; and not __fish_seen_subcommand_from verify config inspect jwks doctor serve vectors help" -f -a "vectors" -d 'Run test vectors against this library'
complete -c authkit -n "__fish_authkit_using_subcommand help; and not __fish_seen_subcommand_from verify config inspect jwks doctor serve vectors help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
