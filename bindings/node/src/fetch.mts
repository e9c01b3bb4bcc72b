// The types of `import "authkit-verifier/fetch"`; what it runs is made of src/fetch.ts by scripts/build.mjs.

export * from "./fetch.js";
