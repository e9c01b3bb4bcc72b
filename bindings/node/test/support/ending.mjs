// A process that ends with its verifier open: `node ending.mjs open|waits|exits|leaves PARAMETERS`.

import { Verifier } from "authkit-verifier";

const [, , manner, parameters] = process.argv;
const { options, token } = JSON.parse(parameters);
const verifier = new Verifier(options);

// The channel to the test must not be what keeps this process, nor what ends it.
process.channel.unref();

switch (manner) {
  case "open":
    verifier.tryVerify(token);
    break;
  case "waits":
    console.log((await verifier.verify(token)).subject);
    break;
  case "exits":
    void verifier.verify(token);
    // Node ends its worker threads first, and so waits for the native call under way, a tenth of a second.
    process.on("message", () => process.send("ending", () => process.exit(7)));
    break;
  case "leaves":
    try {
      verifier.tryVerify(token);
    } catch {
      // Started; ended by the test's word, since the thread that fetches keeps nothing.
      process.channel.ref();
      process.once("message", () => process.channel.unref());
    }
    break;
}
