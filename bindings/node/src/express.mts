// The types of `import "authkit-verifier/express"`; what it runs is made of src/express.ts by scripts/build.mjs.

export * from "./express.js";
