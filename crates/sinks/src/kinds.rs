//! What each kind of sink has, and what for.

use runward_canary::rules::{Described, KindOf, Takes};

use Takes::{Length, Text, Texts};

const TIMEOUT: Described = known(
    "timeout",
    Length,
    "for a whole delivery, from 1s to 120s; 10s if nothing is said",
);
const CA: Described = known(
    "ca",
    Text,
    "a file of certificates (PEM) that are trusted instead of those that browsers trust",
);

const fn known(name: &'static str, takes: Takes, about: &'static str) -> Described {
    Described::new(name, takes, about)
}

/// All kinds, by name.
pub(crate) const ALL: &[KindOf] = &[
    kind(
        "command",
        &[
            known(
                "argv",
                Texts,
                "a program and its arguments; it gets the alert as JSON on its standard input",
            ),
            TIMEOUT,
        ],
    ),
    kind(
        "email",
        &[
            known("from", Text, "the sender's address"),
            known("to", Texts, "the addresses of those who get it"),
            known(
                "server",
                Text,
                "smtps://host, smtp://host (STARTTLS) or smtp://localhost (plain)",
            ),
            known("username", Text, "who logs in; with password_env"),
            known(
                "password_env",
                Text,
                "the variable of the environment that has the password",
            ),
            known("password", Text, "the password itself; only for trials"),
            CA,
            TIMEOUT,
        ],
    ),
    kind(
        "file",
        &[known(
            "path",
            Text,
            "the file that gets a line of JSON for each alert",
        )],
    ),
    kind(
        "webhook",
        &[
            known(
                "url_env",
                Text,
                "the variable of the environment that has the address, which is a secret",
            ),
            known("url", Text, "the address itself; only for trials"),
            known("format", Text, "\"slack\", the usual, or \"json\""),
            CA,
            TIMEOUT,
        ],
    ),
];

const fn kind(name: &'static str, settings: &'static [Described]) -> KindOf {
    KindOf {
        name,
        settings,
        facet: &[],
    }
}
