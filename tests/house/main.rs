//! The layout of the sources: which room may use which, that no files use one another in a circle,
//! that a name means one thing, that links in documents lead somewhere, that the script for the models
//! tells what it skipped, and that a Job which failed is not waited for. Reads the sources as text, and
//! needs nothing of the crate.

mod circles;
mod links;
mod models;
mod names;
mod rooms;
mod sources;
mod waits;
