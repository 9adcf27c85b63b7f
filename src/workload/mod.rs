//! TOML to a validated workload, with errors that show the place.
