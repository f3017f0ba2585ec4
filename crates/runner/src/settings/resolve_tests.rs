use super::*;
use crate::error::Kind;
use proptest::prelude::*;

fn span() -> impl Strategy<Value = Option<Span>> {
    proptest::option::of((1u64..9).prop_map(Span::from_secs))
}

fn path() -> impl Strategy<Value = Option<PathBuf>> {
    proptest::option::of("[a-c]{1,2}".prop_map(PathBuf::from))
}

/// Without a bundle there is nothing that a spec could judge, and without a spec nothing that takes parameters.
fn bundle() -> impl Strategy<Value = (Option<PathBuf>, Option<PathBuf>, Vec<ParamArg>)> {
    let params =
        proptest::collection::vec("[a-c]=[a-c]".prop_map(|text| text.parse().unwrap()), 0..3);
    (path(), path(), params).prop_map(|(evidence, spec, params)| {
        let spec = evidence.clone().and(spec);
        let params = spec.is_some().then_some(params);
        (evidence, spec, params.unwrap_or_default())
    })
}

fn apps() -> impl Strategy<Value = Vec<AppName>> {
    proptest::collection::vec("[a-c]{1,2}".prop_map(|name| name.parse().unwrap()), 0..4)
}

fn switches() -> impl Strategy<Value = (Option<StateLayout>, bool, bool)> {
    let state = proptest::option::of("[a-c]".prop_map(|text| text.parse().unwrap()));
    (state, any::<bool>(), any::<bool>())
}

prop_compose! {
    fn layer()(
        app in apps(), wait in span(), deadline in span(), grace in span(), teardown_deadline in span(),
        teardown in proptest::collection::vec("[a-c] [a-c]".prop_map(|text| text.parse().unwrap()), 0..3),
        leaks in proptest::option::of(prop_oneof![Just(Leaks::Warn), Just(Leaks::Fail), Just(Leaks::Allow)]),
        result in path(), events in path(), lock_dir in path(), home in path(), (evidence, spec, param) in bundle(),
        (state, no_state, sweep) in switches(),
    ) -> Options {
        Options {
            app, wait, deadline, grace, teardown, teardown_deadline, leaks, evidence, spec, param, result, events,
            state, no_state, sweep, containment: None, require: None, run_id: None, places: Places { lock_dir, home },
        }
    }
}

/// The rule of the contract, said another way: go through the layers from the top and stop at the first that speaks.
fn first<T: Clone>(layers: &[Options; 3], field: impl Fn(&Options) -> Option<T>) -> Option<T> {
    layers.iter().find_map(field)
}

fn some<T: Clone>(list: &[T]) -> Option<Vec<T>> {
    (!list.is_empty()).then(|| list.to_vec())
}

proptest! {
    #[test]
    fn the_highest_layer_that_speaks_decides(cli in layer(), env in layer(), file in layer()) {
        let settings = resolve(cli.clone(), env.clone(), file.clone()).unwrap();
        let layers = [cli, env, file];
        prop_assert_eq!(settings.wait, first(&layers, |l| l.wait));
        prop_assert_eq!(settings.evidence, first(&layers, |l| l.evidence.clone()));
        prop_assert_eq!(settings.spec, first(&layers, |l| l.spec.clone()));
        prop_assert_eq!(settings.params, first(&layers, |l| some(&l.param)).unwrap_or_default());
        prop_assert_eq!(settings.deadline, first(&layers, |l| l.deadline));
        prop_assert_eq!(settings.grace, first(&layers, |l| l.grace).unwrap_or(GRACE));
        prop_assert_eq!(settings.teardowns, first(&layers, |l| some(&l.teardown)).unwrap_or_default());
        let teardown_deadline = first(&layers, |l| l.teardown_deadline).unwrap_or(TEARDOWN_DEADLINE);
        prop_assert_eq!(settings.teardown_deadline, teardown_deadline);
        prop_assert_eq!(settings.leaks, first(&layers, |l| l.leaks).unwrap_or(Leaks::Warn));
        let state = first(&layers, |l| (l.state.is_some() || l.no_state).then(|| l.state.clone()));
        prop_assert_eq!(settings.state, state.flatten());
        prop_assert_eq!(settings.sweep, layers.iter().any(|l| l.sweep));
        prop_assert_eq!(settings.result, first(&layers, |l| l.result.clone()));
        prop_assert_eq!(settings.events, first(&layers, |l| l.events.clone()));
        prop_assert_eq!(settings.places.lock_dir, first(&layers, |l| l.places.lock_dir.clone()));
        prop_assert_eq!(settings.places.home, first(&layers, |l| l.places.home.clone()));
    }

    #[test]
    fn apps_keep_their_order_and_come_once(cli in layer()) {
        let settings = resolve(cli.clone(), Options::default(), Options::default()).unwrap();
        let mut sorted = settings.apps.clone();
        sorted.sort();
        sorted.dedup();
        prop_assert_eq!(sorted.len(), settings.apps.len());
        prop_assert_eq!(settings.apps.first(), cli.app.first());
        prop_assert!(cli.app.iter().all(|app| settings.apps.contains(app)));
    }
}

fn kind(options: Options) -> Kind {
    resolve(options, Options::default(), Options::default())
        .unwrap_err()
        .kind()
}

#[test]
fn times_that_make_no_sense_are_refused() {
    let zero = Some(Span::default());
    assert_eq!(
        kind(Options {
            deadline: zero,
            ..Options::default()
        }),
        Kind::Usage
    );
    assert_eq!(
        kind(Options {
            teardown_deadline: zero,
            ..Options::default()
        }),
        Kind::Usage
    );
    let fine = Options {
        wait: zero,
        grace: zero,
        ..Options::default()
    };
    assert!(resolve(fine, Options::default(), Options::default()).is_ok());
}

#[test]
fn a_containment_weaker_than_what_is_required_is_refused_before_anything_is_touched() {
    let ask = |containment, require| Options {
        containment: Some(containment),
        require: Some(require),
        ..Options::default()
    };
    assert_eq!(
        kind(ask(Containment::Group, Strength::Subreaper)),
        Kind::Usage
    );
    for (containment, require) in [
        (Containment::Auto, Strength::Cgroup),
        (Containment::Pidns, Strength::Subreaper),
    ] {
        assert!(
            resolve(
                ask(containment, require),
                Options::default(),
                Options::default()
            )
            .is_ok()
        );
    }
}
