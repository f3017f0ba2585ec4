//! The commands of a command line, without the line: paths and names in, text and an exit code out. They print nothing.

use std::path::Path;

use crate::{Dir, Error, ErrorKind, Format, Spec, Terms, explain, lint, prove, verify};

#[cfg(feature = "attest")]
pub use crate::attest::commands::{SignWith, run_attest, run_new_key, run_verify_attested};

/// A parameter's name and value.
pub type Param = (String, String);

/// What a command has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    text: String,
    complaint: Option<String>,
    code: u8,
}

impl Answer {
    /// For standard output.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// For standard error: why there is no answer, or what is to be known of it.
    pub fn complaint(&self) -> Option<&str> {
        self.complaint.as_deref()
    }

    /// The exit code: that of the command; 64 for wrong usage, 65 for a spec that is none, 70 for a signer that did not sign.
    pub fn code(&self) -> u8 {
        self.code
    }

    pub(crate) fn new(text: String, code: u8) -> Self {
        let complaint = None;
        Self {
            text,
            complaint,
            code,
        }
    }

    #[cfg(feature = "attest")]
    pub(crate) fn with_complaint(mut self, complaint: String) -> Self {
        self.complaint = Some(complaint);
        self
    }
}

impl From<Error> for Answer {
    fn from(error: Error) -> Self {
        Self {
            text: String::new(),
            complaint: Some(error.to_string()),
            code: match error.kind() {
                ErrorKind::Spec => 65,
                ErrorKind::Signer => 70,
                ErrorKind::Usage | ErrorKind::Io => 64,
            },
        }
    }
}

/// The verdict on a bundle: 0 proven, 1 refuted, 2 inconclusive, 3 vacuous.
pub fn run_verify(
    spec: &Path,
    bundle: &Path,
    params: &[Param],
    format: Format,
    terms: &Terms,
) -> Answer {
    let judged = || {
        let spec = Spec::load(spec, params)?;
        Ok::<_, Error>(verify(&spec, &Dir::open(bundle)?, terms))
    };
    judged().map_or_else(Answer::from, |report| {
        Answer::new(report.render(format), report.verdict().exit_code())
    })
}

/// For each rule a change of the bundle that trips exactly it: 0 if there is one for all, else 1.
pub fn run_prove(spec: &Path, bundle: &Path, params: &[Param], terms: &Terms) -> Answer {
    let proven = || {
        let spec = Spec::load(spec, params)?;
        prove(&spec, &Dir::open(bundle)?, terms)
    };
    proven().map_or_else(Answer::from, |proofs| {
        Answer::new(proofs.to_string(), u8::from(!proofs.is_complete()))
    })
}

/// What a rule reads, why, and its bounds: 0.
pub fn run_explain(spec: &Path, rule: &str, params: &[Param]) -> Answer {
    let explained = || explain(&Spec::load(spec, params)?, rule);
    explained().map_or_else(Answer::from, |text| Answer::new(text, 0))
}

/// What is wrong with a spec whatever the bundle: 0 if nothing is, else 1.
pub fn run_lint(spec: &Path, params: &[Param]) -> Answer {
    let linted = || Ok::<_, Error>(lint(&Spec::load(spec, params)?));
    linted().map_or_else(Answer::from, |lints| {
        let lines = lints
            .iter()
            .map(|lint| format!("{}:{}: {lint}\n", spec.display(), lint.line()));
        Answer::new(lines.collect(), u8::from(!lints.is_empty()))
    })
}
