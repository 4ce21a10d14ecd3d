//! Straight lines through measured points.
