//! Keys and signatures of OpenSSL and ours, each read by the other; the commands, as a program calls them.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use runward_evidence::attest::{Key, PublicKey, Signer, attest, verify};
use runward_evidence::command::{
    Answer, SignWith, run_attest, run_new_key, run_verify, run_verify_attested,
};
use runward_evidence::{Dir, Format, Spec, Terms, Verdict};
use serde_json::Value;

use crate::attesting::{SPEC, Sealed, decode, payload};
use crate::harness::skip;

/// None where there is no OpenSSL, or one that cannot sign what it has not digested.
fn openssl(test: &str) -> Option<impl Fn(&Path, &[&str]) -> Output> {
    let help = Command::new("openssl").args(["pkeyutl", "-help"]).output();
    if !help.is_ok_and(|help| String::from_utf8_lossy(&help.stderr).contains("-rawin")) {
        skip(test, "no openssl with `pkeyutl -rawin`; install openssl 3");
        return None;
    }
    Some(|dir: &Path, args: &[&str]| {
        let mut command = Command::new("openssl");
        command.current_dir(dir).args(args).output().unwrap()
    })
}

#[test]
fn openssl_verifies_what_we_sign() {
    let Some(openssl) = openssl("openssl_verifies_what_we_sign") else {
        return;
    };
    let sealed = Sealed::new(SPEC, r#"{"n":1}"#);
    let envelope: Value = serde_json::from_str(&sealed.attest().1).unwrap();
    let body = payload(&envelope);
    let mut pae = format!("DSSEv1 28 application/vnd.in-toto+json {} ", body.len()).into_bytes();
    pae.extend_from_slice(&body);
    fs::write(sealed.path("pae"), pae).unwrap();
    let signature = decode(&envelope["signatures"][0]["sig"]);
    fs::write(sealed.path("sig"), signature).unwrap();
    let public = Key::load(sealed.path("key.pem")).unwrap().public();
    fs::write(sealed.path("public.pem"), public.to_pem()).unwrap();
    let verified = |input: &str| {
        let args = [
            "pkeyutl",
            "-verify",
            "-rawin",
            "-pubin",
            "-inkey",
            "public.pem",
            "-sigfile",
            "sig",
            "-in",
            input,
        ];
        openssl(sealed.root.path(), &args)
    };
    let output = verified("pae");
    assert!(output.status.success(), "{output:?}");
    assert!(!verified("public.pem").status.success());
}

#[test]
fn openssl_reads_our_keys_and_names_them_alike() {
    let Some(openssl) = openssl("openssl_reads_our_keys_and_names_them_alike") else {
        return;
    };
    let root = tempfile::tempdir().unwrap();
    let key = Key::create(root.path().join("key.pem")).unwrap();
    let pem = openssl(root.path(), &["pkey", "-in", "key.pem", "-pubout"]);
    assert_eq!(
        String::from_utf8(pem.stdout).unwrap(),
        key.public().to_pem()
    );
    let der = openssl(
        root.path(),
        &[
            "pkey", "-in", "key.pem", "-pubout", "-outform", "DER", "-out", "der",
        ],
    );
    assert!(der.status.success(), "{der:?}");
    let digest = runward_evidence::bundle::digest(&root.path().join("der")).unwrap();
    assert_eq!(digest, key.public().id());
}

#[test]
fn a_key_of_openssl_signs_with_us_and_with_openssl_alike() {
    let Some(openssl) = openssl("a_key_of_openssl_signs_with_us_and_with_openssl_alike") else {
        return;
    };
    let sealed = Sealed::new(SPEC, r#"{"n":1}"#);
    let made = openssl(
        sealed.root.path(),
        &["genpkey", "-algorithm", "ed25519", "-out", "theirs.pem"],
    );
    assert!(made.status.success(), "{made:?}");
    openssl(
        sealed.root.path(),
        &["pkey", "-in", "theirs.pem", "-pubout", "-out", "public.pem"],
    );
    let key = Key::load(sealed.path("theirs.pem")).unwrap();
    let public = PublicKey::load(sealed.path("public.pem")).unwrap();
    assert_eq!(key.public(), public);
    let inkey = sealed.path("theirs.pem").display().to_string();
    let words = [
        "openssl",
        "pkeyutl",
        "-sign",
        "-rawin",
        "-inkey",
        &inkey,
        "-in",
        "/dev/stdin",
    ];
    let words = words.map(str::to_owned);
    let spec = Spec::parse("s.toml", SPEC).unwrap();
    let bundle = Dir::open(sealed.path("bundle")).unwrap();
    let sign = |signer| attest(&spec, &bundle, &Terms::new(), signer).unwrap().1;
    let (ours, theirs) = (sign(Signer::Key(&key)), sign(Signer::Command(&words)));
    for envelope in [&ours, &theirs] {
        let report = verify(
            &spec,
            &bundle,
            &Terms::new(),
            "e",
            envelope.as_bytes(),
            &public,
        );
        assert_eq!(report.verdict(), Verdict::Proven);
    }
    // The signature is a function of key and bytes, whoever makes it.
    let signature = |envelope: &str| {
        let envelope: Value = serde_json::from_str(envelope).unwrap();
        envelope["signatures"][0]["sig"].clone()
    };
    assert_eq!(signature(&ours), signature(&theirs));
    assert!(!theirs.contains("keyid"));
}

fn signed(sealed: &Sealed, with: SignWith<'_>) -> Answer {
    let (spec, bundle) = (sealed.path("s.toml"), sealed.path("bundle"));
    run_attest(&spec, &bundle, &[], with, &Terms::new())
}

#[test]
fn the_commands_end_as_the_verdict_does() {
    for (a, code) in [(r#"{"n":1}"#, 0), (r#"{"n":0}"#, 1), ("{", 2)] {
        let sealed = Sealed::new(SPEC, a);
        let (key, public) = (sealed.path("new.pem"), sealed.path("new.pub"));
        let made = run_new_key(&key);
        assert_eq!(made.code(), 0, "{made:?}");
        assert_eq!(run_new_key(&key).code(), 64);
        fs::write(&public, made.text()).unwrap();
        let attested = signed(&sealed, SignWith::Key(&key));
        assert_eq!(attested.code(), code, "{attested:?}");
        assert_eq!(attested.complaint().is_some(), code != 0);
        let envelope = sealed.path("a.dsse");
        fs::write(&envelope, attested.text()).unwrap();
        let verified = |envelope: &Path, key: &Path| {
            let (spec, bundle) = (sealed.path("s.toml"), sealed.path("bundle"));
            run_verify_attested(
                &spec,
                &bundle,
                &[],
                (envelope, key),
                Format::Json,
                &Terms::new(),
            )
        };
        assert_eq!(verified(&envelope, &public).code(), code);
        assert!(
            verified(&envelope, &public)
                .text()
                .contains("\"bundle.attested\"")
        );
        let none = sealed.path("none");
        assert_eq!(verified(&none, &public).code(), 64);
        assert_eq!(verified(&envelope, &none).code(), 64);
        assert_eq!(verified(&envelope, &key).code(), 64);
        fs::write(&envelope, "{}").unwrap();
        assert_eq!(verified(&envelope, &public).code(), 1);
        // Without the envelope nothing has changed.
        let plain = run_verify(
            &sealed.path("s.toml"),
            &sealed.path("bundle"),
            &[],
            Format::Json,
            &Terms::new(),
        );
        assert_eq!(plain.code(), code);
        assert!(!plain.text().contains("attested"));
    }
}

#[test]
fn nothing_is_attested_without_a_key_a_signer_a_spec_or_a_seal() {
    let sealed = Sealed::new(SPEC, r#"{"n":1}"#);
    let key = sealed.path("key.pem");
    let silent = ["true".to_owned()];
    assert_eq!(signed(&sealed, SignWith::Command(&silent)).code(), 70);
    let none = sealed.path("none");
    assert_eq!(signed(&sealed, SignWith::Key(&none)).code(), 64);
    fs::write(sealed.path("s.toml"), "schema = 1").unwrap();
    assert_eq!(signed(&sealed, SignWith::Key(&key)).code(), 65);
    fs::write(sealed.path("s.toml"), SPEC).unwrap();
    fs::remove_file(sealed.path("bundle/manifest.json")).unwrap();
    let unsealed = signed(&sealed, SignWith::Key(&key));
    assert_eq!((unsealed.code(), unsealed.text()), (64, ""));
}
