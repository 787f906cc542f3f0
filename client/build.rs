//! Hands `schema.graphql` to cynic, which then checks every document of this crate against it.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    cynic_codegen::register_schema("guildhall").from_sdl_file("../schema.graphql")?.as_default()?;
    Ok(())
}
