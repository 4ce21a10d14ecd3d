//! The process under measurement.

fn main() {}
