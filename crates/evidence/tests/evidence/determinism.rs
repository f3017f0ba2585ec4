//! The same bytes out for the same input, in whatever order a directory lists it and wherever that is.

use proptest::prelude::*;
use runward_evidence::{Error, Format, Memory, ReadError, Source, Spec, Terms, verify};

use crate::harness::{memory, rule};

/// A bundle that is listed in another order each time.
struct Shuffled<'m> {
    memory: &'m Memory,
    seed: u64,
}

impl Source for Shuffled<'_> {
    fn list(&self, terms: &Terms) -> Result<Vec<String>, Error> {
        let mut files = self.memory.list(terms)?;
        let mut state = self.seed;
        for at in (1..files.len()).rev() {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            files.swap(at, usize::try_from(state >> 33).unwrap() % (at + 1));
        }
        Ok(files)
    }

    fn read(&self, path: &str, terms: &Terms) -> Result<Vec<u8>, ReadError> {
        self.memory.read(path, terms)
    }
}

const FORMATS: [Format; 5] = [
    Format::Human,
    Format::Json,
    Format::Junit,
    Format::Sarif,
    Format::Tap,
];

#[test]
fn the_order_of_a_directory_shows_nowhere() {
    let text = rule("check = 'files'\nfiles = 'x*'\nequals = 'a:/*'");
    let spec = Spec::parse("s.toml", &text).unwrap();
    let mut bundle = memory(&[("a.json", "[\"x9\"]"), ("b.json", "0"), ("t.txt", "x")]);
    for number in 0..40 {
        bundle.insert(format!("x{number}"), "");
        bundle.insert(format!("unread-{number}"), "");
    }
    let render = |seed| {
        let memory = &bundle;
        let report = verify(&spec, &Shuffled { memory, seed }, &Terms::new());
        FORMATS.map(|format| report.render(format))
    };
    let first = render(0);
    for seed in 1..100 {
        assert_eq!(render(seed), first);
    }
}

#[test]
fn threads_share_a_spec_and_a_report() {
    fn shared<T: Send + Sync>() {}
    shared::<Spec>();
    shared::<runward_evidence::Report>();
    shared::<Memory>();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever bytes an artifact has, a report comes out, and it is the same one each time.
    #[test]
    fn any_bytes_are_judged(a in prop::collection::vec(any::<u8>(), 0..200), t in any::<String>()) {
        let text = rule("check = 'each_typed'\nat = 'a:/*'\ntype = 'u64'");
        let spec = Spec::parse("s.toml", &text).unwrap();
        let mut bundle = memory(&[("b.json", "0")]);
        bundle.insert("a.json", a);
        bundle.insert("t.txt", t);
        let render = || FORMATS.map(|format| verify(&spec, &bundle, &Terms::new()).render(format));
        prop_assert_eq!(render(), render());
    }

    /// Whatever text a spec has, it is read or refused; pieces of the language find the corners.
    #[test]
    fn any_text_is_a_spec_or_is_not(keys in prop::collection::vec(
        prop_oneof![
            Just("check = 'cmp'"), Just("check = 'row'"), Just("at = 'a:/[x='"), Just("at = 'a:/*'"), Just("left = { at = 'a:/x' }"),
            Just("op = '>'"), Just("right = { value = -1 }"), Just("value = [{}]"), Just("regex = '{x'"), Just("for = { x = ['1'] }"),
            Just("rows = 'a:/[x=\"]\"]'"), Just("where = { '/x' = {} }"), Just("type = 'u64'"), Just("after = ['r']"), Just("x = 1"),
        ], 0..6,
    ), tail in ".{0,20}") {
        let _ = Spec::parse("s.toml", &rule(&format!("{}\n{tail}", keys.join("\n"))));
    }

    /// Whatever selector is written, it is refused or finds something or nothing.
    #[test]
    fn any_selector_is_followed(path in r#"[/*a\[\]="~1{}: ]{0,16}"#) {
        let quoted = path.replace(['\\', '\''], "");
        let text = rule(&format!("check = 'each_typed'\nat = 'a:{quoted}'\ntype = 'u64'"));
        if let Ok(spec) = Spec::parse("s.toml", &text) {
            let bundle = memory(&[("a.json", r#"{"a":[{"a":1},[1]],"1":2}"#), ("b.json", "0"), ("t.txt", "x")]);
            let _ = verify(&spec, &bundle, &Terms::new()).render(Format::Human);
        }
    }
}
