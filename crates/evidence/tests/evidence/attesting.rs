//! Signed verdicts: what is stated, what holds when it is held against the bundle again, and each lie by its own kind, alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use ct_codecs::{Base64, Base64UrlSafe, Decoder, Encoder};
use proptest::prelude::*;
use runward_evidence::attest::{
    Key, PAYLOAD_TYPE, PREDICATE_TYPE, PublicKey, Signer, attest, verify,
};
use runward_evidence::{
    Dir, ErrorKind, FailureKind, Memory, Outcome, Report, Spec, Terms, Verdict, bundle,
};
use serde_json::{Value, json};

use crate::harness::failures;

pub(crate) const SPEC: &str = "schema = 1
id = 't'
[params]
least = { type = 'u64', default = 1 }
[[artifact]]
id = 'a'
file = 'a.json'
kind = 'json'
[[rule]]
id = 'enough'
check = 'cmp'
left = { at = 'a:/n', type = 'u64' }
op = '>='
right = { param = 'least' }
";

/// A sealed bundle, its spec, and a key.
pub(crate) struct Sealed {
    pub(crate) root: tempfile::TempDir,
    spec: Spec,
    bundle: Memory,
    key: Key,
}

impl Sealed {
    pub(crate) fn new(spec: &str, a: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("bundle");
        fs::create_dir(&dir).unwrap();
        fs::write(dir.join("a.json"), a).unwrap();
        fs::write(root.path().join("s.toml"), spec).unwrap();
        let armed = SystemTime::now() - Duration::from_secs(60);
        bundle::seal(&dir, armed, "{}", &Terms::new()).unwrap();
        Self {
            spec: Spec::parse("s.toml", spec).unwrap(),
            bundle: Memory::copy(&Dir::open(&dir).unwrap(), &Terms::new()).unwrap(),
            key: Key::create(root.path().join("key.pem")).unwrap(),
            root,
        }
    }

    fn good() -> Self {
        Self::new(SPEC, r#"{"n":1}"#)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub(crate) fn attest(&self) -> (Report, String) {
        let signer = Signer::Key(&self.key);
        attest(&self.spec, &self.bundle, &Terms::new(), signer).unwrap()
    }

    fn verify(&self, envelope: &str) -> Report {
        let key = self.key.public();
        let envelope = envelope.as_bytes();
        verify(
            &self.spec,
            &self.bundle,
            &Terms::new(),
            "a.dsse",
            envelope,
            &key,
        )
    }

    fn envelope(&self) -> Value {
        serde_json::from_str(&self.attest().1).unwrap()
    }

    fn statement(&self) -> Value {
        serde_json::from_slice(&payload(&self.envelope())).unwrap()
    }

    /// Signed with this key by code of the test's own, whatever it is.
    fn sign(&self, payload_type: &str, payload: &[u8]) -> String {
        let pem = fs::read_to_string(self.path("key.pem")).unwrap();
        let pair = ed25519_compact::KeyPair::from_pem(&pem).unwrap();
        let mut bytes = format!(
            "DSSEv1 {} {payload_type} {} ",
            payload_type.len(),
            payload.len()
        )
        .into_bytes();
        bytes.extend_from_slice(payload);
        let sig = encode(pair.sk.sign(bytes, None).as_ref());
        json!({"payloadType": payload_type, "payload": encode(payload), "signatures": [{"sig": sig}]})
            .to_string()
    }

    /// The good statement, changed and signed again.
    fn signed_with(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut statement = self.statement();
        change(&mut statement);
        self.sign(PAYLOAD_TYPE, statement.to_string().as_bytes())
    }
}

fn encode(bytes: &[u8]) -> String {
    Base64::encode_to_string(bytes).unwrap()
}

pub(crate) fn payload(envelope: &Value) -> Vec<u8> {
    decode(&envelope["payload"])
}

pub(crate) fn decode(text: &Value) -> Vec<u8> {
    Base64::decode_to_vec(text.as_str().unwrap(), None).unwrap()
}

/// Nothing but the envelope is wrong, in this one way.
#[track_caller]
fn alone(report: &Report, kind: FailureKind) {
    assert_eq!(failures(report), ["bundle.attested"], "{report:?}");
    let failure = report.judgement("bundle.attested").unwrap().failure();
    let failure = failure.unwrap();
    assert_eq!(failure.kind(), kind, "{failure:?}");
    assert!(failure.message().starts_with(kind.name()), "{failure:?}");
    let parts = failure.message().split("; ");
    let kinds = parts.filter(|part| !part.split(": ").next().unwrap().contains(' '));
    assert_eq!(kinds.count(), 1, "{failure:?}");
    assert_eq!(report.verdict(), Verdict::Refuted);
}

#[test]
fn what_was_attested_is_proven_and_cites_the_envelope() {
    let sealed = Sealed::good();
    let (judged, envelope) = sealed.attest();
    assert_eq!(judged.verdict(), Verdict::Proven);
    let report = sealed.verify(&envelope);
    assert_eq!(report.verdict(), Verdict::Proven);
    let ids: Vec<&str> = report.judgements().iter().map(|one| one.id()).collect();
    assert_eq!(ids[..2], ["bundle.sealed", "bundle.attested"]);
    assert_eq!(report.judgements()[1].place().unwrap().path(), "a.dsse");
}

#[test]
fn the_statement_is_one_of_in_toto_about_every_file_and_every_rule() {
    let sealed = Sealed::good();
    let envelope = sealed.envelope();
    assert_eq!(envelope["payloadType"], PAYLOAD_TYPE);
    assert_eq!(envelope["signatures"][0]["keyid"], sealed.key.public().id());
    let statement = sealed.statement();
    assert_eq!(statement["_type"], "https://in-toto.io/Statement/v1");
    assert_eq!(statement["predicateType"], PREDICATE_TYPE);
    let digest = |name: &str| bundle::digest(&sealed.path("bundle").join(name)).unwrap();
    let subject = |name: &str| json!({"name": name, "digest": {"sha256": digest(name)}});
    assert_eq!(
        statement["subject"],
        json!([subject("a.json"), subject("manifest.json")])
    );
    let spec = bundle::digest(&sealed.path("s.toml")).unwrap();
    assert_eq!(
        statement["predicate"],
        json!({
            "result": "PASSED",
            "configuration": [{"name": "t", "digest": {"sha256": spec}, "annotations": {"params": {"least": 1}}}],
            "passedTests": ["bundle.sealed", "enough", "parse.a", "present.a"],
            "warnedTests": [],
            "failedTests": [],
        })
    );
}

#[test]
fn the_same_bundle_gives_the_same_bytes() {
    let sealed = Sealed::good();
    let on_disk = Dir::open(sealed.path("bundle")).unwrap();
    let again = attest(
        &sealed.spec,
        &on_disk,
        &Terms::new(),
        Signer::Key(&sealed.key),
    );
    assert_eq!(again.unwrap().1, sealed.attest().1);
}

#[test]
fn a_red_bundle_is_attested_as_red_and_stays_red() {
    for (a, verdict) in [
        (r#"{"n":0}"#, Verdict::Refuted),
        ("{", Verdict::Inconclusive),
    ] {
        let sealed = Sealed::new(SPEC, a);
        let (judged, envelope) = sealed.attest();
        assert_eq!(judged.verdict(), verdict);
        assert_eq!(sealed.statement()["predicate"]["result"], "FAILED");
        let report = sealed.verify(&envelope);
        assert_eq!(report.verdict(), verdict);
        let attested = report.judgement("bundle.attested").unwrap();
        assert_eq!(attested.outcome(), Outcome::Judged(Verdict::Proven));
    }
}

#[test]
fn what_is_blocked_has_failed() {
    let sealed = Sealed::new(SPEC, "{");
    assert_eq!(
        sealed.statement()["predicate"]["failedTests"],
        json!(["enough", "parse.a"])
    );
}

#[test]
fn what_is_waived_is_a_warning_until_the_waiver_ends() {
    let waiver = "[[waiver]]\nrule = 'enough'\nowner = 'o'\nwhy = 'w'\nexpires = '2026-05-01'\n";
    let sealed = Sealed::new(&format!("{SPEC}{waiver}"), r#"{"n":0}"#);
    let on = |day: &str| Terms::new().today(day).unwrap();
    let signer = Signer::Key(&sealed.key);
    let (_, envelope) = attest(&sealed.spec, &sealed.bundle, &on("2026-05-01"), signer).unwrap();
    let stated: Value =
        serde_json::from_slice(&payload(&serde_json::from_str(&envelope).unwrap())).unwrap();
    assert_eq!(stated["predicate"]["result"], "WARNED");
    assert_eq!(stated["predicate"]["warnedTests"], json!(["enough"]));
    let verified = |day: &str| {
        let key = sealed.key.public();
        verify(
            &sealed.spec,
            &sealed.bundle,
            &on(day),
            "e",
            envelope.as_bytes(),
            &key,
        )
    };
    assert_eq!(verified("2026-05-01").verdict(), Verdict::Waived);
    let late = verified("2026-05-02");
    assert_eq!(failures(&late), ["bundle.attested", "enough"]);
}

#[test]
fn a_bundle_without_a_seal_is_not_attested() {
    let sealed = Sealed::good();
    let refused = |bundle: &Memory| {
        let signer = Signer::Key(&sealed.key);
        attest(&sealed.spec, bundle, &Terms::new(), signer).unwrap_err()
    };
    let mut without = sealed.bundle.clone();
    without.remove(bundle::MANIFEST);
    assert_eq!(refused(&without).kind(), ErrorKind::Usage);
    assert!(refused(&without).to_string().contains("--evidence"));
    let mut torn = sealed.bundle.clone();
    torn.insert(bundle::MANIFEST, "{");
    assert!(refused(&torn).to_string().contains("not JSON"));
}

#[test]
fn a_key_that_is_not_ours_is_unknown_by_its_name() {
    let (sealed, other) = (Sealed::good(), Sealed::good());
    let theirs = Signer::Key(&other.key);
    let (_, envelope) = attest(&sealed.spec, &sealed.bundle, &Terms::new(), theirs).unwrap();
    alone(&sealed.verify(&envelope), FailureKind::UnknownKey);
}

#[test]
fn a_signature_that_is_not_of_these_bytes_is_bad() {
    let sealed = Sealed::good();
    let good = sealed.envelope();
    let bad = |change: &dyn Fn(&mut Value)| {
        let mut envelope = good.clone();
        change(&mut envelope);
        alone(
            &sealed.verify(&envelope.to_string()),
            FailureKind::BadSignature,
        );
    };
    // Another payload; another type around it; another signature, with the key's name or with none.
    bad(&|envelope| envelope["payload"] = json!(encode(b"{}")));
    bad(&|envelope| envelope["payloadType"] = json!("application/json"));
    bad(&|envelope| envelope["signatures"][0]["sig"] = json!(encode(&[7; 64])));
    bad(&|envelope| envelope["signatures"][0]["sig"] = json!(encode(&[7; 63])));
    bad(&|envelope| envelope["signatures"] = json!([{"sig": encode(&[0; 64])}]));
    // Signed as it stands, without what says what it is.
    let pem = fs::read_to_string(sealed.path("key.pem")).unwrap();
    let pair = ed25519_compact::KeyPair::from_pem(&pem).unwrap();
    let naked = encode(pair.sk.sign(payload(&good), None).as_ref());
    bad(&|envelope| envelope["signatures"][0]["sig"] = json!(naked));
}

#[test]
fn the_name_of_a_key_decides_nothing() {
    let sealed = Sealed::good();
    let mut envelope = sealed.envelope();
    envelope["signatures"][0]["keyid"] = json!("somebody");
    let ours = envelope["signatures"][0].clone();
    let theirs = json!({"keyid": sealed.key.public().id(), "sig": encode(&[1; 64])});
    envelope["signatures"] = json!([theirs, ours]);
    assert_eq!(
        sealed.verify(&envelope.to_string()).verdict(),
        Verdict::Proven
    );
}

#[test]
fn either_alphabet_of_base64_and_fields_of_others_are_read() {
    let sealed = Sealed::good();
    let mut envelope = sealed.envelope();
    envelope["payload"] = json!(Base64UrlSafe::encode_to_string(payload(&envelope)).unwrap());
    envelope["more"] = json!({"a": 1});
    assert_eq!(
        sealed.verify(&envelope.to_string()).verdict(),
        Verdict::Proven
    );
    let more = sealed.signed_with(|statement| {
        statement["predicate"]["url"] = json!("https://ci.example.org/1");
        statement["subject"][0]["digest"]["sha512"] = json!("00");
    });
    assert_eq!(sealed.verify(&more).verdict(), Verdict::Proven);
}

#[test]
fn another_type_that_is_signed_is_not_taken_for_a_statement() {
    let sealed = Sealed::good();
    let payload = payload(&sealed.envelope());
    let confused = sealed.sign("application/vnd.other+json", &payload);
    alone(&sealed.verify(&confused), FailureKind::WrongPayloadType);
}

#[test]
fn another_predicate_says_nothing_of_tests() {
    let sealed = Sealed::good();
    let slsa = "https://slsa.dev/provenance/v1";
    let other = sealed.signed_with(|statement| statement["predicateType"] = json!(slsa));
    alone(&sealed.verify(&other), FailureKind::WrongPredicate);
}

#[test]
fn what_is_no_envelope_is_bad() {
    let sealed = Sealed::good();
    let good = sealed.envelope();
    let with = |key: &str, value: Value| {
        let mut envelope = good.clone();
        envelope[key] = value;
        envelope.to_string()
    };
    let many = vec![good["signatures"][0].clone(); 65];
    let padding = good["payload"].as_str().unwrap().trim_end_matches('=');
    let bad = [
        String::new(),
        "[]".into(),
        "{".into(),
        good.to_string() + "{}",
        with("payload", json!("%")),
        with("payload", json!(format!("{padding} "))),
        with("payload", Value::Null),
        with("payloadType", Value::Null),
        with("signatures", json!([])),
        with("signatures", json!([{}])),
        with("signatures", json!(many)),
    ];
    for envelope in bad {
        alone(&sealed.verify(&envelope), FailureKind::BadEnvelope);
    }
}

#[test]
fn a_key_that_stands_twice_is_refused_in_envelope_and_statement() {
    let sealed = Sealed::good();
    let twice =
        |text: &str| text.replacen('{', r#"{"payloadType":"x","payload":"","_type":"x","#, 1);
    alone(
        &sealed.verify(&twice(&sealed.envelope().to_string())),
        FailureKind::TwoReadings,
    );
    let statement = sealed.statement().to_string();
    let statement = sealed.sign(PAYLOAD_TYPE, twice(&statement).as_bytes());
    alone(&sealed.verify(&statement), FailureKind::TwoReadings);
}

#[test]
fn what_is_signed_and_no_statement_is_bad() {
    let sealed = Sealed::good();
    type Change = fn(&mut Value);
    let changes: [Change; 10] = [
        |it| it["_type"] = json!("https://in-toto.io/Statement/v0.1"),
        |it| it["predicate"] = Value::Null,
        |it| it["predicate"]["result"] = json!(true),
        |it| it["predicate"]["passedTests"] = json!([1]),
        |it| it["predicate"]["passedTests"] = json!({"a": "enough"}),
        |it| it["predicate"]["configuration"] = json!([]),
        |it| it["subject"] = Value::Null,
        |it| it["subject"][0]["digest"] = json!({"sha512": "00"}),
        |it| it["subject"][1]["name"] = it["subject"][0]["name"].clone(),
        |it| *it = json!([]),
    ];
    for change in changes {
        let envelope = sealed.signed_with(change);
        alone(&sealed.verify(&envelope), FailureKind::BadStatement);
    }
    let torn = sealed.sign(PAYLOAD_TYPE, b"\xff{");
    alone(&sealed.verify(&torn), FailureKind::BadStatement);
}

#[test]
fn a_digest_that_differs_is_named_with_its_file() {
    let sealed = Sealed::good();
    let other =
        sealed.signed_with(|it| it["subject"][0]["digest"]["sha256"] = json!("0".repeat(64)));
    let report = sealed.verify(&other);
    alone(&report, FailureKind::OtherDigest);
    let failure = report.judgement("bundle.attested").unwrap().failure();
    assert!(failure.unwrap().message().contains("`a.json`"));
}

#[test]
fn a_file_that_is_missing_or_more_is_named() {
    let sealed = Sealed::good();
    let more = json!({"name": "b.json", "digest": {"sha256": "0".repeat(64)}});
    let missing = sealed.signed_with(|it| it["subject"].as_array_mut().unwrap().push(more));
    alone(&sealed.verify(&missing), FailureKind::MissingSubject);
    for at in 0..2 {
        let extra = sealed.signed_with(|it| drop(it["subject"].as_array_mut().unwrap().remove(at)));
        alone(&sealed.verify(&extra), FailureKind::Unattested);
    }
}

#[test]
fn another_spec_or_other_parameters_are_seen() {
    let sealed = Sealed::good();
    let spec = sealed.signed_with(|it| {
        it["predicate"]["configuration"][0]["digest"]["sha256"] = json!("0".repeat(64));
    });
    alone(&sealed.verify(&spec), FailureKind::OtherSpec);
    let params = sealed.signed_with(|it| {
        it["predicate"]["configuration"][0]["annotations"]["params"]["least"] = json!(0);
    });
    alone(&sealed.verify(&params), FailureKind::OtherSpec);
}

#[test]
fn a_verdict_is_never_taken_from_the_envelope() {
    let red = Sealed::new(SPEC, r#"{"n":0}"#);
    let lie = red.signed_with(|it| {
        it["predicate"]["result"] = json!("PASSED");
        it["predicate"]["passedTests"] = json!(["bundle.sealed", "enough", "parse.a", "present.a"]);
        it["predicate"]["failedTests"] = json!([]);
    });
    let report = red.verify(&lie);
    assert_eq!(failures(&report), ["bundle.attested", "enough"]);

    type Change = fn(&mut Value);
    let changes: [Change; 5] = [
        |it| it["predicate"]["result"] = json!("FAILED"),
        |it| it["predicate"]["passedTests"] = json!(["enough"]),
        |it| {
            it["predicate"]
                .as_object_mut()
                .unwrap()
                .remove("passedTests");
        },
        |it| it["predicate"]["warnedTests"] = json!(["more"]),
        |it| it["predicate"]["failedTests"] = json!(["enough"]),
    ];
    let sealed = Sealed::good();
    for change in changes {
        let report = sealed.verify(&sealed.signed_with(change));
        alone(&report, FailureKind::OtherVerdict);
    }
}

#[test]
fn a_bundle_that_changed_since_is_refuted_by_seal_and_envelope() {
    let mut sealed = Sealed::good();
    let (_, envelope) = sealed.attest();
    sealed.bundle.insert("a.json", r#"{"n":2}"#);
    let report = sealed.verify(&envelope);
    assert_eq!(failures(&report), ["bundle.sealed", "bundle.attested"]);
    // Sealed anew, it is another bundle all the same.
    fs::write(sealed.path("bundle/a.json"), r#"{"n":2}"#).unwrap();
    let armed = SystemTime::now() - Duration::from_secs(60);
    bundle::seal(&sealed.path("bundle"), armed, "{}", &Terms::new()).unwrap();
    let dir = Dir::open(sealed.path("bundle")).unwrap();
    sealed.bundle = Memory::copy(&dir, &Terms::new()).unwrap();
    let report = sealed.verify(&envelope);
    assert_eq!(failures(&report), ["bundle.attested"]);
    let failure = report.judgement("bundle.attested").unwrap().failure();
    assert_eq!(failure.unwrap().kind(), FailureKind::OtherDigest);
}

#[test]
fn a_key_is_made_once_and_is_its_owners_alone() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("key.pem");
    let key = Key::create(&path).unwrap();
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(Key::load(&path).unwrap().public(), key.public());
    assert_eq!(Key::create(&path).unwrap_err().kind(), ErrorKind::Io);
    assert_eq!(Key::load(&path).unwrap().public(), key.public());
    let link = root.path().join("link");
    symlink(root.path().join("elsewhere"), &link).unwrap();
    assert!(Key::create(&link).is_err() && !root.path().join("elsewhere").exists());
    assert_ne!(
        Key::create(root.path().join("other")).unwrap().public(),
        key.public()
    );
}

#[test]
fn what_is_no_key_is_refused_and_never_waited_for() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("key.pem");
    let public = Key::create(&path).unwrap().public();
    // One is not the other.
    assert_eq!(PublicKey::load(&path).unwrap_err().kind(), ErrorKind::Usage);
    let file = |name: &str, text: &str| {
        fs::write(root.path().join(name), text).unwrap();
        root.path().join(name)
    };
    let pem = file("public.pem", &public.to_pem());
    assert_eq!(PublicKey::load(&pem).unwrap(), public);
    assert_eq!(Key::load(&pem).unwrap_err().kind(), ErrorKind::Usage);
    // A key of small order, with which one signature fits any bytes.
    let weak = ed25519_compact::PublicKey::new([0; 32]).to_pem();
    let weak = PublicKey::load(file("weak.pem", &weak)).unwrap_err();
    assert_eq!(weak.kind(), ErrorKind::Usage);
    let huge = "x".repeat(20_000);
    let io = |path: &Path| assert_eq!(Key::load(path).unwrap_err().kind(), ErrorKind::Io);
    io(&file("huge.pem", &huge));
    io(root.path());
    io(&root.path().join("none"));
    let fifo = root.path().join("fifo");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    io(&fifo);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whichever character of payload, type or signature is another one.
    #[test]
    fn no_change_of_what_is_signed_is_green(field in 0usize..3, at in any::<prop::sample::Index>(), other in "[A-Za-z0-9+/=]") {
        let sealed = Sealed::good();
        let mut envelope = sealed.envelope();
        let field = match field {
            0 => &mut envelope["payload"],
            1 => &mut envelope["payloadType"],
            _ => &mut envelope["signatures"][0]["sig"],
        };
        let text = field.as_str().unwrap();
        let at = at.index(text.len());
        let changed = format!("{}{other}{}", &text[..at], &text[at + 1..]);
        prop_assume!(changed != text);
        *field = json!(changed);
        let report = sealed.verify(&envelope.to_string());
        prop_assert_eq!(failures(&report), ["bundle.attested"]);
    }
}
