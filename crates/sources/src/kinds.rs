//! What each kind of source has, and what for; the text of `README.md` has the rest.

use runward_canary::rules::{Described, KindOf, Takes};

use Takes::{Bool, Int, Names, Text, Texts};

const fn known(name: &'static str, takes: Takes, about: &'static str) -> Described {
    Described::new(name, takes, about)
}

const SQL: Described = known(
    "query",
    Text,
    "one statement that only reads; `:subject` and other `:column` are bound from the row that it is asked for",
);
const URL_ENV: Described = known(
    "url_env",
    Text,
    "the variable of the environment that has the address",
);

const ABSENT: Described = known(
    "absent",
    Text,
    "\"empty\": a directory that is not there has nothing in it",
);

/// What every facet may have, whatever its source.
pub(crate) const COMMON: &[Described] = &[known(
    "fields",
    Texts,
    "the names of the fields of an answer, where they have places and no names",
)];

/// All kinds, by name.
pub(crate) const ALL: &[KindOf] = &[
    KindOf {
        name: "command",
        settings: &[known(
            "argv",
            Texts,
            "a program and its arguments; it writes JSON; there is no shell",
        )],
        facet: &[known(
            "args",
            Texts,
            "further arguments; `{subject}` or another `{column}` as an argument by itself",
        )],
    },
    KindOf {
        name: "docker",
        settings: &[known(
            "socket",
            Text,
            "the engine's socket; /var/run/docker.sock if nothing is said",
        )],
        facet: &[
            known(
                "query",
                Text,
                "the label that containers have, such as \"app=agent\"",
            ),
            known("all", Bool, "also those that do not run"),
            known("labels", Names, "columns, and the label of each"),
            known("env", Names, "columns, and the variable of each"),
        ],
    },
    KindOf {
        name: "files",
        settings: &[],
        facet: &[known("paths", Texts, "the files that are looked at")],
    },
    KindOf {
        name: "flock-dir",
        settings: &[known("path", Text, "the directory of the locks"), ABSENT],
        facet: &[known(
            "state",
            Texts,
            "only locks in these states: held, released, left, unused",
        )],
    },
    KindOf {
        name: "http",
        settings: &[known(
            "concurrency",
            Int,
            "how many are asked at once, from 1 to 512; 32 if nothing is said",
        )],
        facet: &[
            known(
                "query",
                Text,
                "the address, as in http://{address}:8000/path/{subject}",
            ),
            known(
                "pointer",
                Text,
                "where in the answer the rows are, as in /executions",
            ),
        ],
    },
    KindOf {
        name: "postgres",
        settings: &[
            URL_ENV,
            known("url", Text, "the address, if there is no password in it"),
        ],
        facet: &[SQL],
    },
    KindOf {
        name: "procfs",
        settings: &[known(
            "root",
            Text,
            "where it is mounted; /proc if nothing is said",
        )],
        facet: &[
            known("comm", Texts, "the names of the processes"),
            known("state", Texts, "their states, such as \"Z\""),
            known("in_run", Bool, "only processes of runs"),
            known(
                "what",
                Text,
                "\"processes\", the usual, or \"boot\": when the host was started",
            ),
        ],
    },
    KindOf {
        name: "redis",
        settings: &[
            URL_ENV,
            known("url", Text, "the address, if there is no password in it"),
            known(
                "info",
                Bool,
                "whether `INFO` is asked for, which tells a replica that has lost its master; yes if nothing is said",
            ),
        ],
        facet: &[
            known(
                "query",
                Texts,
                "a command that only reads, or several that make one row; `{subject}` or another `{column}` is filled in",
            ),
            known(
                "scan",
                Text,
                "a pattern of keys with one `*`, instead of `query`",
            ),
        ],
    },
    KindOf {
        name: "run-dirs",
        settings: &[
            known("path", Text, "the directory in which each run has one"),
            ABSENT,
        ],
        facet: &[
            known(
                "has",
                Names,
                "columns, and the path inside of the run's directory that each asks for",
            ),
            known("held", Bool, "whether somebody holds a lock on the file"),
            known(
                "says",
                Names,
                "columns, and the value that each reads: \"FILE#KEY\", or \"#KEY\" of files",
            ),
            known(
                "suffix",
                Text,
                "files that end so instead of directories, such as \".journal\"",
            ),
        ],
    },
    KindOf {
        name: "sqlite",
        settings: &[known("path", Text, "the file of the database")],
        facet: &[SQL],
    },
];
