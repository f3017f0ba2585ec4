//! A verdict on the artifacts of a run that cannot be green by accident.
//!
//! Validators go green because nothing was checked: a missing file is skipped, a default stands in for a bad number, a test trips an
//! earlier guard than the one it names, traffic that was never sent leaves a counter unchanged. Here each rule says what it is about and
//! with which types, and what was not examined has a name of its own: *vacuous*. A rule that holds cites its witness. And a rule is not
//! trusted until something has made it fail: `prove` looks for a change of a good bundle that trips exactly that rule.
//!
//! ```
//! use runward_evidence::{Memory, Spec, Terms, Verdict, verify};
//! let spec = Spec::parse("load.toml", r#"
//!     schema = 1
//!     id = "load"
//!     [[artifact]]
//!     id = "run"
//!     file = "run.json"
//!     kind = "json"
//!     [[rule]]
//!     id = "tried"
//!     check = "cmp"
//!     left = { at = "run:/attempts", type = "u64" }
//!     op = ">="
//!     right = { value = 1 }
//!     otherwise = "vacuous"
//!     why = "no error among no attempts proves nothing"
//! "#)?;
//! let mut bundle = Memory::new();
//! bundle.insert("run.json", r#"{ "attempts": 0 }"#);
//! let report = verify(&spec, &bundle, &Terms::new());
//! assert_eq!(report.verdict(), Verdict::Vacuous);
//! assert_eq!(report.judgement("tried").and_then(|rule| rule.place()?.line()), Some(1));
//! # Ok::<(), runward_evidence::Error>(())
//! ```
//!
//! # Bundles
//!
//! [`bundle::seal`] writes a manifest into a directory: size, digest and time of each file, and the window from the start of the run to the seal.
//! Where a bundle has one, [`verify`] holds it against it before any rule, as `bundle.sealed`: a file that came later, one with other bytes or gone,
//! and one of another run are refuted; what is no regular file, or cannot be read, is inconclusive.
//!
//! With the feature `attest`, the module of that name states the verdict on a sealed bundle as an in-toto statement in a DSSE envelope, signed by an ed25519 key or by any
//! program; its `verify` reaches the verdict again, digests each file again, and refutes what was signed otherwise, as `bundle.attested`.
//!
//! # Guarantees
//!
//! * **Five verdicts, one order.** Refuted, inconclusive, vacuous, waived, proven; the verdict on a bundle is the worst of its rules. Only
//!   [`Verdict::Proven`] and [`Verdict::Waived`] end with 0. A rule whose prerequisite does not hold is blocked, and never counts as held.
//! * **Nothing is held by absence.** A path that leads nowhere, a collection of nothing, a row that is not there: each is a failure. Where absence is
//!   as good, the spec has to say why, and the report lists it.
//! * **Nothing is converted.** `"5"`, `5.0` and `true` are not the integer 5. Integers of 64 bits are compared exactly, times as instants.
//! * **What two readers could read differently is not read.** Duplicate keys, NaN, numbers beyond every float, half surrogate pairs, a byte order mark,
//!   bytes that are no UTF-8, nesting beyond a bound: refused, with line and column.
//! * **All of it is judged.** No failure ends the work; each finding has the file, line and column of the value and the line of the rule.
//! * **The whole bundle counts.** A file that no artifact reads is a failure, unless the spec says why it is not.
//! * **The same bytes out for the same input**, in every format: no clock, no host, no order of a directory.
//! * **Bounded.** Files are regular files below the root, opened without following links and without waiting; sizes, depth, numbers of files and
//!   patterns have limits; patterns take time linear in the text.
//! * **A typo is an error.** An unknown key, check, artifact, rule, set or parameter is refused with the nearest known name.
//!
//! # Limits
//!
//! * A file that is replaced while it is read is caught by its size and times; one that is changed between two reads of one verdict is not, since
//!   each artifact is read once. Judge a bundle that nobody writes to any more.
//! * [`prove`] shows that a rule can fail, not that it asks the right question. It tries a bounded number of changes: what it calls
//!   *cannot fail* it could not make fail. It changes files through the rules [`same`](language), `project`, `cmp`, `flat` and `increasing` that tie them; other ties
//!   may show as *entangled*.
//! * A signature says that whoever has the key saw this bundle judged so, not that the bundle tells the truth. Keys are ed25519 in PEM, without a
//!   password; of other algorithms a signer can sign, and only others verify. There is no time in an envelope, and no list of revoked keys.
//! * Whoever writes the artifacts can write what the spec wants to see. Digests tie files to each other, not to a machine; a seal that is
//!   taken away or made anew is not seen, unless the spec reads `manifest.json`. Times of files are what their writer says.
//! * Artifacts are JSON, JSON lines, text and exit statuses, in UTF-8. XML and the like are text here, and matched line by line.
//! * Fractions of a second finer than nanoseconds are no time. Floats are compared as floats.
//! * Files up to 64 MiB, 128 levels, 20,000 files unless [`Terms`] says otherwise; at most 512 MiB and 512 levels.
//! * An artifact is held as its text, eight bytes for each value and key in it, eight more for each array and object, and four for each value that a rule finds:
//!   less than three times its size, unless its values are a byte or two long. Rules that compare sets or groups keep a copy of what they compare.
//!
//! # Specs
//!
//! Specs to begin with, in `specs/`; each is proven rule by rule on a bundle made up for it:
//!
//! | spec | of |
//! |---|---|
//! | `junit.toml` | a JUnit file and the exit status of its runner |
//! | `coverage.toml` | two coverage reports, of before and now |
//! | `benchmark.toml` | a table of measurements, beside a rival |
//! | `runward-run.spec.toml` | a bundle of `runward run --evidence` |
//! | `canary-drill.spec.toml` | a bundle of `runward canary drill --evidence` |
//! | `policy-scheduler.spec.toml` | a firewall policy under a scheduler, in a cluster that fails over: 202 rules over 26 files |
//!
//! # What it does not do
//!
//! It prints nothing, and runs nothing but the program that is to sign; it collects only what is in the directory of a bundle. Statistics stay outside: a spec checks their results.
//! [`language`] has the language, `spec.schema.json` the JSON Schema of it for editors, and [`defects`] what it
//! is measured against. [`command`] has what a command line needs.

#![forbid(unsafe_code)]

#[cfg(feature = "attest")]
pub mod attest;
pub mod bundle;
pub mod command;
mod describe;
mod engine;
mod error;
mod explain;
mod json;
mod lint;
mod nearest;
mod outcome;
mod prove;
mod report;
mod shipped;
mod source;
mod spec;
mod terms;
mod time;

#[doc = include_str!("../DEFECTS.md")]
pub mod defects {}

#[doc = include_str!("../LANGUAGE.md")]
pub mod language {}

pub use engine::verify;
pub use error::{Error, ErrorKind};
pub use explain::explain;
pub use lint::{Lint, LintKind, lint};
pub use outcome::{Failure, FailureKind, Outcome, Place, Verdict};
pub use prove::{Proof, ProofResult, Proofs, prove};
pub use report::{Format, Judgement, Report};
pub use shipped::{language_reference, shipped};
pub use source::{Dir, Memory, ReadError, Source};
pub use spec::{Spec, language_schema};
pub use terms::Terms;
