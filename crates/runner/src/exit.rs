//! Exit codes of `runward run`: one table for the code, the help and the man page.

macro_rules! table {
    ($($codes:literal ($($name:ident = $value:literal),*) $meaning:literal $($more:literal)*;)*) => {
        $($(
            #[doc = $meaning]
            pub const $name: u8 = $value;
        )*)*
        /// The table for people, as `runward run --help` and the man page show it.
        pub const TABLE: &str = concat!(
            $("  ", $codes, "  ", $meaning, $("\n", "                 ", $more,)* "\n"),*
        );
    };
}

table! {
    "0-255        " () "the program's own code: it ran and ended by itself (`cause` in the record settles any doubt)";
    "128+n        " () "signal n ended the program";
    "120          " (BUSY = 120) "the app was busy for longer than --wait; nothing was run";
    "121          " (REFUTED = 121) "the evidence refutes the work (in place of a 0)";
    "122          " (INCONCLUSIVE = 122) "the evidence is vacuous or inconclusive (in place of a 0)";
    "123          " (UNCLEAN = 123) "leaks under --leaks fail, a teardown failed, or survivors (in place of a 0)";
    "125          " (FAILED = 125) "runward failed before the program started: usage, configuration, permissions";
    "126, 127     " (NOT_EXECUTABLE = 126, NOT_FOUND = 127) "the program cannot be executed; is not found";
    "129, 130, 143" (HANGUP = 129, INTERRUPTED = 130, TERMINATED = 143)
        "cancelled by SIGHUP, SIGINT, SIGTERM, or by an ancestor's death (143); teardown done";
    "142          " (DEADLINE = 142) "the deadline passed; teardown done";
}

/// What else was found about a run whose program ended by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Findings {
    pub(crate) refuted: bool,
    pub(crate) inconclusive: bool,
    pub(crate) unclean: bool,
}

/// Joins the program's code with the findings: red never turns green, and a red code is never hidden.
pub(crate) fn merge(program: u8, found: Findings) -> u8 {
    match (program, found) {
        (0, Findings { refuted: true, .. }) => REFUTED,
        (
            0,
            Findings {
                inconclusive: true, ..
            },
        ) => INCONCLUSIVE,
        (0, Findings { unclean: true, .. }) => UNCLEAN,
        (code, _) => code,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn findings() -> impl Strategy<Value = Findings> {
        any::<(bool, bool, bool)>().prop_map(|(refuted, inconclusive, unclean)| Findings {
            refuted,
            inconclusive,
            unclean,
        })
    }

    proptest! {
        #[test]
        fn a_red_program_keeps_its_code(code in 1u8..=255, found in findings()) {
            prop_assert_eq!(merge(code, found), code);
        }

        #[test]
        fn a_green_program_stays_green_only_without_findings(found in findings()) {
            let code = merge(0, found);
            prop_assert_eq!(code == 0, found == Findings::default());
            prop_assert!(code == 0 || (121..=123).contains(&code));
        }
    }

    #[test]
    fn the_worst_finding_names_the_code() {
        let all = Findings {
            refuted: true,
            inconclusive: true,
            unclean: true,
        };
        assert_eq!(merge(0, all), REFUTED);
        assert_eq!(
            merge(
                0,
                Findings {
                    refuted: false,
                    ..all
                }
            ),
            INCONCLUSIVE
        );
        assert_eq!(
            merge(
                0,
                Findings {
                    unclean: true,
                    ..Findings::default()
                }
            ),
            UNCLEAN
        );
    }
}
