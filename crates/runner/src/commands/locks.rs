use super::directories;
use crate::cli::ReportArgs;
use crate::environment::Environment;
use crate::error::{Error, Kind, Result};

pub(crate) fn main(args: &ReportArgs) -> Result<()> {
    directories(args, &Environment::of_this_process())?;
    Err(Error::new(Kind::System, "not in this build yet"))
}
