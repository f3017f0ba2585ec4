//! What is said of a rule, and of all of them.

/// What a bundle shows, from best to worst. The verdict on several rules is the worst of theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Every rule was examined and holds; each cites its witness.
    Proven,
    /// It would be worse, but a dated waiver applies.
    Waived,
    /// Nothing was examined, or what the rule is about was never tried.
    Vacuous,
    /// An input could not be read, parsed or trusted.
    Inconclusive,
    /// A counterexample was found.
    Refuted,
}

impl Verdict {
    /// In one lower-case word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::Waived => "waived",
            Self::Vacuous => "vacuous",
            Self::Inconclusive => "inconclusive",
            Self::Refuted => "refuted",
        }
    }

    /// As a process tells it: 0 where nothing is open, 1 refuted, 2 inconclusive, 3 vacuous.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Proven | Self::Waived => 0,
            Self::Refuted => 1,
            Self::Inconclusive => 2,
            Self::Vacuous => 3,
        }
    }

    /// The worst of several; of none, vacuous: nothing was examined.
    pub(crate) fn worst(all: impl IntoIterator<Item = Self>) -> Self {
        all.into_iter().max().unwrap_or(Self::Vacuous)
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        let all = [
            Self::Proven,
            Self::Waived,
            Self::Vacuous,
            Self::Inconclusive,
            Self::Refuted,
        ];
        all.into_iter().find(|verdict| verdict.name() == name)
    }
}

/// What became of one rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It was judged.
    Judged(Verdict),
    /// A rule that it builds on does not hold, so it says nothing. Never counts as held.
    Blocked,
}

impl Outcome {
    /// In one lower-case word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Judged(verdict) => verdict.name(),
            Self::Blocked => "blocked",
        }
    }

    /// Whether the rule was judged and failed.
    pub fn is_failure(self) -> bool {
        !matches!(
            self,
            Self::Blocked | Self::Judged(Verdict::Proven | Verdict::Waived)
        )
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident $name:literal $verdict:ident,)*) => {
        /// In what way a rule failed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum FailureKind { $($(#[$doc])* $kind,)* }

        impl FailureKind {
            /// In snake case, as reports have it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            /// What it means unless the rule says otherwise.
            pub(crate) fn verdict(self) -> Verdict {
                match self { $(Self::$kind => Verdict::$verdict,)* }
            }
        }
    };
}

kinds! {
    /// The file is not there.
    MissingArtifact "missing_artifact" Inconclusive,
    /// Something that is no regular file has its name.
    NotAFile "not_a_file" Inconclusive,
    /// The system refused to read it, or it changed meanwhile.
    Unreadable "unreadable" Inconclusive,
    /// Larger than the terms allow.
    TooLarge "too_large" Inconclusive,
    /// A file of no bytes.
    Empty "empty" Inconclusive,
    /// The bytes are no UTF-8.
    NotUtf8 "not_utf8" Inconclusive,
    /// Not JSON.
    BadJson "bad_json" Inconclusive,
    /// An object has one key twice.
    DuplicateKey "duplicate_key" Inconclusive,
    /// Nested deeper than the terms allow.
    TooDeep "too_deep" Inconclusive,
    /// Not the exit status of a program.
    BadStatus "bad_status" Inconclusive,
    /// The document, or a value in it, has another shape than the artifact declares.
    WrongShape "wrong_shape" Inconclusive,
    /// The artifact says that it is of another schema.
    WrongSchema "wrong_schema" Inconclusive,
    /// The bytes have another digest.
    WrongDigest "wrong_digest" Refuted,
    /// Nothing stands where a value is needed.
    MissingValue "missing_value" Refuted,
    /// Several values where one is meant.
    Ambiguous "ambiguous" Refuted,
    /// A value of another type.
    WrongType "wrong_type" Refuted,
    /// Not the one value.
    NotEqual "not_equal" Refuted,
    /// None of the values.
    NotOneOf "not_one_of" Refuted,
    /// A value where there should be none.
    Unexpected "unexpected" Refuted,
    /// A comparison that does not hold.
    Compare "compare" Refuted,
    /// Nothing, or too little, was there to examine.
    NothingExamined "nothing_examined" Vacuous,
    /// The condition of an implication never held.
    NeverApplies "never_applies" Vacuous,
    /// No row shows what should have been tried.
    NotAttempted "not_attempted" Vacuous,
    /// There is no such row.
    NoSuchRow "no_such_row" Refuted,
    /// A row that should not be there.
    UnwantedRow "unwanted_row" Refuted,
    /// The parts of a row are not its total.
    SumMismatch "sum_mismatch" Refuted,
    /// A series that should stay moves.
    NotFlat "not_flat" Refuted,
    /// A series that should rise does not.
    NotIncreasing "not_increasing" Refuted,
    /// A series goes back.
    NotMonotonic "not_monotonic" Refuted,
    /// Neighbours are too near or too far.
    BadInterval "bad_interval" Refuted,
    /// Too many, or too few, in a row.
    RunLength "run_length" Refuted,
    /// Two identities are one.
    NotDistinct "not_distinct" Refuted,
    /// Two sets have different members.
    SetDiffers "set_differs" Refuted,
    /// Two documents differ.
    Differs "differs" Refuted,
    /// A text without what should be in it.
    NoMatch "no_match" Refuted,
    /// A text with what should not be in it.
    UnwantedMatch "unwanted_match" Refuted,
    /// One text does not begin the other.
    NotPrefix "not_prefix" Refuted,
    /// The files there are not the files that should be.
    WrongFiles "wrong_files" Refuted,
    /// A file marks the bundle as invalid.
    Vetoed "vetoed" Refuted,
    /// A file that no artifact reads.
    UnreadFile "unread_file" Refuted,
    /// A file that came into a sealed bundle after the seal.
    Late "late" Refuted,
    /// A sealed file with other bytes than those that were sealed, or gone.
    Spliced "spliced" Refuted,
    /// A file, or the manifest itself, of another run than the bundle.
    Foreign "foreign" Refuted,
    /// The manifest of a bundle cannot be used.
    BadSeal "bad_seal" Inconclusive,
    /// The bundle cannot be listed.
    Unlisted "unlisted" Inconclusive,
    /// What should be a signed envelope is none.
    BadEnvelope "bad_envelope" Refuted,
    /// A key stands twice in a signed envelope or statement, so that two readers could read it differently.
    TwoReadings "two_readings" Refuted,
    /// An envelope is signed by other keys than the one that was asked for.
    UnknownKey "unknown_key" Refuted,
    /// A signature that is not one of these bytes.
    BadSignature "bad_signature" Refuted,
    /// What was signed is not what should be in the envelope.
    WrongPayloadType "wrong_payload_type" Refuted,
    /// What was signed is no statement about files.
    BadStatement "bad_statement" Refuted,
    /// A statement that is no result of tests.
    WrongPredicate "wrong_predicate" Refuted,
    /// A file that was signed is not in the bundle.
    MissingSubject "missing_subject" Refuted,
    /// A file has other bytes than those that were signed.
    OtherDigest "other_digest" Refuted,
    /// A file of the bundle that was not signed.
    Unattested "unattested" Refuted,
    /// What was signed was judged by another spec, or with other parameters.
    OtherSpec "other_spec" Refuted,
    /// The verdict that was signed is not the one on this bundle.
    OtherVerdict "other_verdict" Refuted,
}

/// A piece of an artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub(crate) path: std::sync::Arc<str>,
    pub(crate) span: Option<Span>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl Place {
    /// The file, relative to the bundle.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The line from 1; none for the file as a whole.
    pub fn line(&self) -> Option<usize> {
        self.span.as_ref().map(|span| span.line)
    }

    /// The column from 1, in characters; none for the file as a whole.
    pub fn column(&self) -> Option<usize> {
        self.span.as_ref().map(|span| span.column)
    }

    /// The bytes in the file; none for the file as a whole.
    pub fn bytes(&self) -> Option<std::ops::Range<usize>> {
        self.span.as_ref().map(|span| span.start..span.end)
    }
}

/// Why a rule does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub(crate) kind: FailureKind,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
    pub(crate) excerpt: Option<Excerpt>,
}

/// The line around a place, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Excerpt {
    pub(crate) text: String,
    /// Characters before the mark, and under it.
    pub(crate) before: usize,
    pub(crate) marked: usize,
}

impl Failure {
    /// In what way.
    pub fn kind(&self) -> FailureKind {
        self.kind
    }

    /// A lower-case fragment with the value found and the bound.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What comes nearest, or what to do.
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict::{self, *};

    #[test]
    fn the_worst_wins_and_nothing_is_vacuous() {
        let order = [Proven, Waived, Vacuous, Inconclusive, Refuted];
        for (at, better) in order.iter().enumerate() {
            for worse in &order[at..] {
                assert_eq!(Verdict::worst([*better, *worse]), *worse);
                assert_eq!(Verdict::worst([*worse, *better]), *worse);
            }
        }
        assert_eq!(Verdict::worst([]), Vacuous);
        assert_eq!(order.map(Verdict::exit_code), [0, 0, 3, 2, 1]);
        for verdict in order {
            assert_eq!(Verdict::named(verdict.name()), Some(verdict));
        }
    }
}
