use crate::{
    Containment,
    tree::{probe_cgroup, probe_namespace},
};

/// What this host lets us hold a tree with.
#[derive(Clone, Debug)]
pub struct Host {
    rungs: Vec<Rung>,
}

/// One containment on this host.
#[derive(Clone, Debug)]
pub struct Rung {
    containment: Containment,
    refused: Option<String>,
}

impl Host {
    /// Tries each containment: a cgroup and a namespace are made and removed again. To be called
    /// before the first thread is started.
    pub fn probe() -> Self {
        let rung = |containment, tried: Result<(), String>| Rung {
            containment,
            refused: tried.err(),
        };
        Self {
            rungs: vec![
                rung(Containment::Cgroup, probe_cgroup()),
                rung(Containment::PidNamespace, probe_namespace()),
                rung(Containment::Subreaper, Ok(())),
                rung(Containment::Group, Ok(())),
            ],
        }
    }

    /// From strong to weak.
    pub fn rungs(&self) -> &[Rung] {
        &self.rungs
    }

    /// What [`Choice::Auto`](crate::Choice::Auto) takes here.
    pub fn automatic(&self) -> Containment {
        let cgroup = self
            .rungs
            .first()
            .is_some_and(|rung| rung.refused.is_none());
        if cgroup {
            Containment::Cgroup
        } else {
            Containment::Subreaper
        }
    }
}

impl Rung {
    /// Which.
    pub fn containment(&self) -> Containment {
        self.containment
    }

    /// Why it cannot be had here; none where it can.
    pub fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
    }
}
