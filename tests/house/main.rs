//! The layout of the sources: which room may use which, that no files use one another in a circle, and
//! that a name means one thing. Reads the sources as text, and needs nothing of the crate.

mod circles;
mod names;
mod rooms;
mod sources;
