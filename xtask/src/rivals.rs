//! Programs that the bench runs beside runward.
