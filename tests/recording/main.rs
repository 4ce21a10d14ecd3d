//! The promises of the run directory: nothing finished is lost, nothing read is believed unseen.

mod crash;
mod fixtures;
mod hostile;
mod reading;
mod writing;
