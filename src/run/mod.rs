//! One plan on one heap.
