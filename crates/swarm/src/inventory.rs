use std::{
    collections::BTreeSet,
    fmt,
    time::{Duration, SystemTime},
};

use crate::{
    Engine, Error, StackName,
    data::{Annotations, STACK, Stored, Task},
    world::{World, belongs},
};

/// A kind of object that a stack has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A service.
    Service,
    /// A task that has not ended, or the container of one.
    Task,
    /// A config.
    Config,
    /// A secret, external ones included.
    Secret,
    /// A network that the stack made; one that it merely joined is not part of it.
    Network,
    /// A volume on the node of the engine.
    Volume,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Service => "service",
            Self::Task => "task",
            Self::Config => "config",
            Self::Secret => "secret",
            Self::Network => "network",
            Self::Volume => "volume",
        })
    }
}

/// An object of a stack.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Object {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) state: String,
}

impl Object {
    /// Its kind.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn new(kind: Kind, id: &str, name: &str) -> Self {
        Self {
            kind,
            name: name.into(),
            id: id.into(),
            state: String::new(),
        }
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)?;
        match self.state.as_str() {
            "" => Ok(()),
            state => write!(f, " ({state})"),
        }
    }
}

/// All that there is of one stack: services, tasks with their containers, configs, secrets, networks, volumes.
#[derive(Clone, Debug)]
pub struct Inventory {
    objects: Vec<Object>,
    notes: BTreeSet<String>,
    pub(crate) since: Option<SystemTime>,
    pub(crate) protected: Option<String>,
    pub(crate) grace: Duration,
}

impl Inventory {
    /// What there is of a stack now. `others` are names of further stacks of which perhaps only secrets are there: a secret
    /// without a label belongs to the stack with the longest name that its own begins with.
    ///
    /// # Errors
    ///
    /// When any of the kinds cannot be listed.
    pub fn of(engine: &Engine, stack: &StackName, others: &[StackName]) -> Result<Self, Error> {
        let mut known = others.to_vec();
        known.push(stack.clone());
        Ok(Self::within(&World::look(engine, &known)?, stack))
    }

    /// The objects, in the order in which a teardown removes them.
    pub fn objects(&self) -> &[Object] {
        &self.objects
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// What may belong to it and is left alone, each with the reason: volumes on other nodes, volumes and networks with its name and without its label.
    pub fn notes(&self) -> impl Iterator<Item = &str> {
        self.notes.iter().map(String::as_str)
    }

    pub(crate) fn within(world: &World, stack: &StackName) -> Self {
        let mut inventory = Self {
            objects: Vec::new(),
            notes: BTreeSet::new(),
            since: None,
            protected: None,
            grace: Duration::ZERO,
        };
        inventory.add_services(world, stack);
        inventory.add_tasks(world, stack);
        inventory.add_stored(Kind::Config, world, &world.configs, stack);
        inventory.add_stored(Kind::Secret, world, &world.secrets, stack);
        inventory.add_networks(world, stack);
        inventory.add_volumes(world, stack);
        inventory.objects.sort();
        inventory
    }

    pub(crate) fn take(self, kind: Kind) -> impl Iterator<Item = Object> {
        self.objects.into_iter().filter(move |o| o.kind == kind)
    }

    pub(crate) fn has(&self, kind: Kind) -> bool {
        self.objects.iter().any(|object| object.kind == kind)
    }

    fn add(&mut self, object: Object, since: Option<SystemTime>, protect: Option<&String>) {
        self.objects.push(object);
        self.since = [self.since, since].into_iter().flatten().min();
        if let Some(mark) = protect {
            self.protected = Some(mark.clone());
        }
    }

    fn add_services(&mut self, world: &World, stack: &StackName) {
        for service in &world.services {
            let Annotations { name, labels } = &service.spec.annotations;
            if belongs(labels, stack) {
                let object = Object::new(Kind::Service, &service.id, name);
                self.add(object, service.created_at, labels.get(PROTECT));
            }
        }
    }

    fn add_tasks(&mut self, world: &World, stack: &StackName) {
        let ours = |task: &&Task| belongs(&task.spec.container_spec.labels, stack);
        for task in world.tasks.iter().filter(ours) {
            self.note_elsewhere(world, task);
            if task.status.state.is_terminal() {
                continue;
            }
            self.grace = self.grace.max(grace(task));
            let mut object = Object::new(Kind::Task, &task.id, &task.id);
            let state = format!(
                "{:?} on node {}",
                task.status.state,
                world.hostname(&task.node)
            );
            object.state = state.to_lowercase();
            self.add(object, task.created_at, None);
        }
        for container in &world.containers {
            if container.task().is_some() && belongs(&container.labels, stack) {
                let mut object = Object::new(Kind::Task, &container.id, container.name());
                object.state = format!("container {}", container.state);
                self.add(object, None, None);
            }
        }
    }

    fn add_stored(&mut self, kind: Kind, world: &World, stored: &[Stored], stack: &StackName) {
        for stored in stored {
            if world.stack_of_stored(stored).as_ref() == Some(stack) {
                let object = Object::new(kind, &stored.id, &stored.spec.name);
                self.add(object, stored.created_at, stored.spec.labels.get(PROTECT));
            }
        }
    }

    fn add_networks(&mut self, world: &World, stack: &StackName) {
        for network in &world.networks {
            if belongs(&network.labels, stack) {
                let object = Object::new(Kind::Network, &network.id, &network.name);
                self.add(object, network.created, network.labels.get(PROTECT));
            } else if !network.labels.contains_key(STACK) {
                self.note_unlabelled(Kind::Network, world, &network.name, stack);
            }
        }
    }

    fn add_volumes(&mut self, world: &World, stack: &StackName) {
        for volume in &world.volumes {
            if belongs(&volume.labels, stack) {
                let object = Object::new(Kind::Volume, &volume.name, &volume.name);
                self.add(object, volume.created_at, volume.labels.get(PROTECT));
            } else if !volume.labels.contains_key(STACK) {
                self.note_unlabelled(Kind::Volume, world, &volume.name, stack);
            }
        }
    }

    fn note_unlabelled(&mut self, kind: Kind, world: &World, name: &str, stack: &StackName) {
        if world.stack_of_name(name).as_ref() == Some(stack) {
            self.notes.insert(format!(
                "{kind} {name} has the name of the stack and not its label: left alone; `docker {kind} rm {name}` if it is not needed"
            ));
        }
    }

    fn note_elsewhere(&mut self, world: &World, task: &Task) {
        if !world.is_elsewhere(task) {
            return;
        }
        let node = world.hostname(&task.node);
        let mounts = &task.spec.container_spec.mounts;
        let volumes = mounts
            .iter()
            .filter(|m| m.r#type == "volume" && !m.source.is_empty());
        for volume in volumes.map(|mount| &mount.source) {
            self.notes.insert(format!(
                "volume {volume} on node {node} cannot be reached from here: run `docker volume rm {volume}` there"
            ));
        }
    }
}

/// A label that keeps a stack: the time until which, or anything else for good.
const PROTECT: &str = "runward.protect";

/// What the engine allows a container that names no time of its own.
const GRACE: Duration = Duration::from_secs(10);

fn grace(task: &Task) -> Duration {
    let own = task.spec.container_spec.stop_grace_period;
    own.map_or(GRACE, Duration::from_nanos)
}
