//! The private state directory of a run: decided before the guardian is forked, built under the locks, removed when all is done.
use std::fs;
use std::path::{Path, PathBuf};

use runward_abradir::{
    App, Compose, Domain, Doomed, ErrorKind, Layout, Prepared, Request, Root, Variables,
};
use runward_lifetime::Program;

use crate::environment::Environment;
use crate::error::{Error, Kind, Result};
use crate::places::User;
use crate::plan::{Plan, StatePlan};
use crate::settings::StateLayout;
use crate::terminal;

/// The server of an app, where the file does not say.
const SERVER: &str = "default";

/// What a state directory stands on.
pub(super) struct Ground {
    root: Root,
    layout: Layout,
    run: String,
    source: Option<PathBuf>,
    stage: Vec<String>,
    server: String,
    app: Option<String>,
}

impl Ground {
    pub(super) fn of(plan: &Plan, env: &Environment) -> Result<Option<Self>> {
        let Some(state) = &plan.state else {
            return Ok(None);
        };
        let layout = layout(state)?;
        plan.directories().create_states()?;
        let app = plan.app.as_ref().filter(|_| layout.has_apps());
        let source = source(state, &layout, env);
        if let Some(missing) = source.as_ref().filter(|path| !path.is_dir()) {
            terminal::say(format_args!(
                "there is no {}: the state directory begins with nothing of it",
                missing.display()
            ));
        }
        let server = state.options.server.clone();
        Ok(Some(Self {
            // The home is not below what a CI deletes, so nothing in it is.
            root: Root::open(&state.root, &Doomed::new()).map_err(refused)?,
            run: plan.key.clone(),
            source,
            stage: state.options.stage.clone(),
            server: server.unwrap_or_else(|| SERVER.into()),
            app: app.map(|app| app.as_str().to_owned()),
            layout,
        }))
    }

    /// The app as one that this run makes; then, for where the canonical directory has it, as that one.
    pub(super) fn requests(&self) -> [Request<'_>; 2] {
        [App::later, App::existing].map(|app: fn(String, String) -> App| {
            let request = Request::new(&self.layout, &self.run);
            let request = self.source.iter().fold(request, Request::source);
            let request = self.stage.iter().fold(request, Request::stage);
            let domain = self.app.iter().cloned();
            domain.fold(request, |request, domain| {
                request.app(app(self.server.clone(), domain))
            })
        })
    }

    pub(super) fn prepare<'a>(&'a self, requests: &'a [Request<'a>; 2]) -> Result<Prepared<'a>> {
        let prepared = match self.root.prepare(&requests[0]) {
            Err(e) if e.kind() == ErrorKind::Taken => self.root.prepare(&requests[1]),
            prepared => prepared,
        }
        .map_err(refused)?;
        let ours = |(name, _): &(&str, &Path)| name.starts_with("RUNWARD_");
        let ours = prepared.environment().variables().find(ours);
        match ours.map(|(name, _)| name.to_owned()) {
            None => Ok(prepared),
            Some(name) => Err(Error::config(format!(
                "the layout of {} sets {name}, which is what a run tells its program; name another variable",
                self.layout.tool()
            ))),
        }
    }
}

/// What can be refused before anything is touched.
pub(super) fn check(plan: &Plan, env: &Environment) -> Result<()> {
    let Some(state) = &plan.state else {
        return Ok(());
    };
    let layout = layout(state)?;
    if let Some(given) = state
        .options
        .source
        .as_deref()
        .filter(|path| !path.is_dir())
    {
        return Err(Error::config(format!(
            "source {} of the section [state] is no directory; name the canonical directory of {}, or leave it out",
            given.display(),
            layout.tool()
        )));
    }
    check_names(plan, state, &layout, env)
}

/// Whether what a recipe makes for the app can be called as it will be: asked of the recipes that are staged.
fn check_names(plan: &Plan, state: &StatePlan, layout: &Layout, env: &Environment) -> Result<()> {
    let Some(app) = plan.app.as_ref().filter(|_| layout.has_apps()) else {
        return Ok(());
    };
    let domain = Domain::parse(app.as_str()).map_err(refused)?;
    let source = source(state, layout, env).unwrap_or_default();
    let staged = state.options.stage.iter().map(|path| source.join(path));
    for recipe in staged.filter(|path| path.join("compose.yml").is_file()) {
        let sample = fs::read_to_string(recipe.join(".env.sample")).unwrap_or_default();
        let variables = Variables::of_app(&recipe, &sample).map_err(refused)?;
        let compose = Compose::of_recipe(&recipe, &variables).map_err(refused)?;
        compose.check(&domain, &variables).map_err(refused)?;
    }
    Ok(())
}

fn layout(state: &StatePlan) -> Result<Layout> {
    let layout = match &state.layout {
        StateLayout::Abra => Layout::abra(),
        StateLayout::File(path) => Layout::read(path).map_err(refused)?,
    };
    let mut shares = state.options.share.iter();
    shares
        .try_fold(layout, |layout, (path, share)| {
            layout.with_share(path, *share)
        })
        .map_err(refused)
}

/// What the tool would use without us: its own variable, then what the layout says.
fn source(state: &StatePlan, layout: &Layout, env: &Environment) -> Option<PathBuf> {
    let given = state.options.source.clone();
    let own = || layout.main_variable().and_then(|name| env.os(name));
    let home = || User::of_this_process().home.unwrap_or_default();
    given
        .or_else(|| own().map(PathBuf::from))
        .or_else(|| layout.source(&home()))
}

/// What the program and the teardowns are told of it.
pub(super) fn tell(program: Program, prepared: &Prepared<'_>) -> Program {
    let variables = prepared.environment().variables();
    let program = variables.fold(program, |program, (name, value)| program.env(name, value));
    program.env("RUNWARD_STATE_DIR", prepared.path())
}

/// Under the locks. Whoever finishes the run removes it, so this process must not.
pub(super) fn build(plan: &Plan, prepared: Prepared<'_>) -> Result<Option<PathBuf>> {
    let place = plan
        .state
        .as_ref()
        .map(|state| state.root.join(prepared.name()));
    drop(prepared.build().map_err(refused)?.leave());
    Ok(place)
}

/// In whichever process finishes the run. What the tool wrote outside is undone first.
pub(crate) fn remove(place: &Path) -> Result<()> {
    let (Some(root), Some(name)) = (place.parent(), place.file_name()) else {
        return Ok(());
    };
    let root = Root::open(root, &Doomed::new()).map_err(refused)?;
    remove_from(&root, &name.to_string_lossy()).map_err(refused)
}

/// Whether something of it is there, under whatever name.
pub(super) fn is_left(place: &Path) -> bool {
    let (Some(root), Some(name)) = (place.parent(), place.file_name()) else {
        return false;
    };
    let entries = Root::open(root, &Doomed::new()).and_then(|root| root.list());
    let name = name.to_string_lossy();
    entries.map_or(true, |all| {
        all.iter().any(|entry| entry.name().ends_with(&*name))
    })
}

pub(crate) fn remove_from(
    root: &Root,
    name: &str,
) -> std::result::Result<(), runward_abradir::Error> {
    let restored = match root.pin(name) {
        Ok(Some(pin)) => pin.restore().map(drop),
        pin => pin.map(drop),
    };
    root.remove(name).and(restored)
}

fn refused(e: runward_abradir::Error) -> Error {
    Error::new(Kind::System, e.to_string())
}
