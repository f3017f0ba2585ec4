//! Names counted from compose files, before anything is made.

use std::path::Path;

use runward_abradir::{Compose, Domain, ErrorKind, Variables};

use crate::harness::{Scratch, put};

/// As recipes are written: a shared block, secrets that are there before the stack, configs with versions from `abra.sh`.
const COMPOSE: &str = r#"---
version: "3.8"
x-env: &env
  LOG_LEVEL: info
services:
  app:
    image: nginx:1.27
    environment:
      <<: *env
      DOMAIN: ${DOMAIN}
    secrets: [db_password]
    deploy:
      labels:
        - "traefik.enable=true"
        - "coop-cloud.${STACK_NAME}.version=1.0.0+1.27"
networks:
  proxy:
    external: true
secrets:
  db_password:
    external: true
    name: ${STACK_NAME}_db_password_${SECRET_DB_PASSWORD_VERSION}
configs:
  entrypoint:
    name: ${STACK_NAME}_entrypoint_${ENTRYPOINT_VERSION:-v1}
    file: entrypoint.sh.tmpl
    template_driver: golang
"#;

fn compose() -> Compose {
    Compose::parse(COMPOSE, Path::new("compose.yml")).unwrap()
}

fn variables() -> Variables {
    Variables::new().set("SECRET_DB_PASSWORD_VERSION", "v1")
}

/// A domain of that many letters.
fn domain(letters: usize) -> Domain {
    let label = "a".repeat(letters - ".example.org".len());
    Domain::parse(&format!("{label}.example.org")).unwrap()
}

#[test]
fn names_are_those_that_will_be_made() {
    let domain = Domain::parse("shop-a1b2c3.ci.example.org").unwrap();
    let budget = compose().check(&domain, &variables()).unwrap();
    let names: Vec<_> = budget.names().collect();
    let stack = "shop-a1b2c3_ci_example_org";
    let expected = ["app", "db_password_v1", "entrypoint_v1"].map(|name| format!("{stack}_{name}"));
    assert_eq!(names, expected);
    assert_eq!(budget.spare(), Some(64 - expected[1].len()));
}

#[test]
fn a_secret_has_64_letters_and_not_65() {
    // `_db_password_v1` are fifteen.
    for (letters, fits) in [(48, true), (49, true), (50, false)] {
        let checked = compose().check(&domain(letters), &variables());
        assert_eq!(checked.is_ok(), fits, "{letters}");
        if let Err(error) = checked {
            assert_eq!(error.kind(), ErrorKind::TooLong);
            let text = error.to_string();
            assert!(
                text.contains("_db_password_v1 has 65 of at most 64"),
                "{text}"
            );
            assert!(!text.contains("_app "), "only what is too long: {text}");
        }
    }
    let grown = variables().set("SECRET_DB_PASSWORD_VERSION", "v10");
    assert!(
        compose().check(&domain(49), &grown).is_err(),
        "v10 is one letter more"
    );
}

#[test]
fn a_service_has_63_letters_and_not_64() {
    let alone = Compose::parse("services: {web: {}}", Path::new("c")).unwrap();
    for (letters, fits) in [(58, true), (59, true), (60, false), (61, false)] {
        let checked = alone.check(&domain(letters), &Variables::new());
        assert_eq!(checked.is_ok(), fits, "{letters}");
    }
    let error = alone.check(&domain(60), &Variables::new()).unwrap_err();
    assert!(
        error.to_string().contains("_web has 64 of at most 63"),
        "{error}"
    );
}

#[test]
fn a_config_has_64_letters_and_not_65() {
    let alone = Compose::parse("configs: {conf: {file: x}}", Path::new("c")).unwrap();
    for (letters, fits) in [(59, true), (60, false)] {
        let checked = alone.check(&domain(letters), &Variables::new());
        assert_eq!(checked.is_ok(), fits, "{letters}");
    }
}

#[test]
fn dots_and_underscores_never_make_one_stack_of_two_apps() {
    let (dots, hyphen) = (
        Domain::parse("a.b.org").unwrap(),
        Domain::parse("a-b.org").unwrap(),
    );
    let names = |domain| {
        let budget = compose().check(domain, &variables()).unwrap();
        budget.names().map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(
        names(&dots)
            .iter()
            .all(|name| !names(&hyphen).contains(name))
    );
    let error = Domain::parse("a_b.org").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidName);
    assert!(error.to_string().contains("one stack"), "{error}");
}

#[test]
fn what_is_there_before_the_stack_is_not_named_by_it() {
    let text =
        "secrets: {a: {external: true}, b: {external: {name: shared}}, c: {external: false}}";
    let compose = Compose::parse(text, Path::new("c")).unwrap();
    let budget = compose
        .check(&Domain::parse("x.org").unwrap(), &Variables::new())
        .unwrap();
    assert_eq!(
        budget.names().collect::<Vec<_>>(),
        ["a", "shared", "x_org_c"]
    );
}

#[test]
fn a_name_that_cannot_be_told_is_not_taken_for_short() {
    let error = compose().check(&domain(30), &Variables::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidCompose);
    assert!(
        error
            .to_string()
            .contains("SECRET_DB_PASSWORD_VERSION is not set"),
        "{error}"
    );
}

#[test]
fn a_recipe_brings_its_files_and_exports() {
    let scratch = Scratch::new();
    let recipe = scratch.path("recipe");
    put(&recipe.join("compose.yml"), COMPOSE);
    put(
        &recipe.join("compose.db.yml"),
        "services: {db: {}}\nconfigs: {entrypoint: {name: other}}\n",
    );
    put(
        &recipe.join("abra.sh"),
        "export ENTRYPOINT_VERSION=v7\nhelper() { X=1; }\n",
    );
    let domain = Domain::parse("x.org").unwrap();
    let names = |settings: &str| {
        let variables = Variables::of_app(&recipe, settings).unwrap();
        let budget = Compose::of_recipe(&recipe, &variables)?.check(&domain, &variables)?;
        Ok::<_, runward_abradir::Error>(budget.names().map(str::to_owned).collect::<Vec<_>>())
    };
    let secret = "SECRET_DB_PASSWORD_VERSION=v1 # length=32\n";
    assert!(
        names(secret)
            .unwrap()
            .contains(&"x_org_entrypoint_v7".to_owned())
    );
    let both = format!(
        "{secret}COMPOSE_FILE=compose.yml\nCOMPOSE_FILE=\"$COMPOSE_FILE:compose.db.yml\"\n"
    );
    assert_eq!(
        names(&both).unwrap(),
        ["x_org_app", "x_org_db", "x_org_db_password_v1", "other"]
    );
    let hostile = format!("{secret}COMPOSE_FILE=../../etc/passwd\n");
    assert_eq!(
        names(&hostile).unwrap_err().kind(),
        ErrorKind::InvalidCompose
    );
    let missing = format!("{secret}COMPOSE_FILE=none.yml\n");
    assert_eq!(names(&missing).unwrap_err().kind(), ErrorKind::Missing);
}

#[test]
fn what_is_no_yaml_is_named_with_its_place() {
    let error = Compose::parse("services:\n  app: [\n", Path::new("compose.yml")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidCompose);
    assert!(
        error.to_string().starts_with("compose file compose.yml:"),
        "{error}"
    );
}
