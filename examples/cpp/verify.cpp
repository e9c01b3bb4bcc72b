// Verifies the access token on standard input, configured by the environment (AUTHKIT_DOMAIN, AUTHKIT_BASE_URL ...).

#include <iostream>
#include <string>

#include "authkit.hpp"

int main() {
    std::string token;
    std::getline(std::cin, token);

    // [readme]
    const auto claims = authkit::verify(token); // the default verifier, from the environment
    if (claims) {
        std::cout << "accepted: " << claims->subject() << '\n';
        return 0;
    }
    const authkit::Error &error = claims.error();
    std::cout << error.code() << ", HTTP " << error.http_status() << ": " << error.reason() << '\n';
    // [/readme]

    if (error.hint())
        std::cout << "hint: " << *error.hint() << '\n';
    switch (authkit_status_class(error.status())) {
    case AUTHKIT_CLASS_CONFIG: return 2;
    case AUTHKIT_CLASS_KEYS_UNAVAILABLE: return 3;
    default: return 1;
    }
}
