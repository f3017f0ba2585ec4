//! The canary: a whole look with its judgement beside the bare reads and beside naive ones, its growth, and the judgement alone.

mod bare;
mod cycle;
mod fleet;
mod growth;
mod shapes;

use crate::report::Section;
use crate::setting::Setting;

pub(crate) fn sections(setting: &Setting) -> Vec<Section> {
    let mut sections = vec![shapes::section(setting)];
    sections.push(cycle::section(setting));
    sections.push(growth::section(setting));
    sections
}
