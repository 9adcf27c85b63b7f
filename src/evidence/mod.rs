//! What did happen, as plain data.
