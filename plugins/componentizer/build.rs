//! Sets the stack of the component.

fn main() {
    // 1 MiB in place of the 64 KiB of the plugins: types and modules are read recursively.
    println!("cargo::rustc-link-arg-cdylib=-zstack-size=1048576");
    println!("cargo::rerun-if-changed=build.rs");
}
