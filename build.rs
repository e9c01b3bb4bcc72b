//! Tells dependents' build scripts where the C header lies: `DEP_AUTHKIT_INCLUDE`, for crates with C in them.

use std::env;
use std::path::PathBuf;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let package = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
    println!("cargo::metadata=include={}", package.join("include").display());
}
