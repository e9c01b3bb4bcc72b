// The types of `import "authkit-verifier/mcp"`; what it runs is made of src/mcp.ts by scripts/build.mjs.

export * from "./mcp.js";
