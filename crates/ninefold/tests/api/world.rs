//! The sources of the crates, and what a path in them means.

use std::collections::BTreeMap;
use std::path::Path;

use syn::{Item, UseTree, Visibility};

use super::text::{cfg, for_tests};

/// Modules by their path, such as `ninefold_core::policy`.
pub(crate) struct World {
    modules: BTreeMap<String, Module>,
}

/// A module's items, and what it takes for them to be there.
pub(crate) struct Module {
    pub(crate) items: Vec<Item>,
    pub(crate) cfg: Vec<String>,
}

/// What a path leads to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Target {
    Module(String),
    /// An item, by its module and its name.
    Item(String, String),
}

/// A name that `use` brings in, and what it is the name of.
pub(crate) struct Import {
    pub(crate) path: Vec<String>,
    pub(crate) name: String,
}

impl World {
    pub(crate) fn read() -> Self {
        let mut world = Self {
            modules: BTreeMap::new(),
        };
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        world.add("ninefold", &here.join("src/lib.rs"), &here.join("src"), &[]);
        let core = here.join("../core/src");
        world.add("ninefold_core", &core.join("lib.rs"), &core, &[]);
        world
    }

    fn add(&mut self, module: &str, file: &Path, folder: &Path, needs: &[String]) {
        let source = std::fs::read_to_string(file).unwrap();
        let file = syn::parse_file(&source).unwrap();
        let mut items = Vec::new();
        for item in file.items {
            match &item {
                Item::Mod(child) if for_tests(&child.attrs) => continue,
                Item::Mod(child) if child.content.is_none() => {
                    let name = child.ident.to_string();
                    let flat = folder.join(format!("{name}.rs"));
                    let deep = folder.join(&name).join("mod.rs");
                    let file = if flat.exists() { flat } else { deep };
                    let needs = [needs, &cfg(&child.attrs)].concat();
                    self.add(
                        &format!("{module}::{name}"),
                        &file,
                        &folder.join(&name),
                        &needs,
                    );
                }
                // What pin_project makes is what it is given.
                Item::Macro(call) if call.ident.is_none() => {
                    if let Ok(made) = syn::parse2::<syn::File>(call.mac.tokens.clone()) {
                        items.extend(made.items);
                        continue;
                    }
                }
                _ => {}
            }
            items.push(item);
        }
        let cfg = needs.to_vec();
        self.modules
            .insert(module.to_owned(), Module { items, cfg });
    }

    pub(crate) fn modules(&self) -> impl Iterator<Item = (&String, &Module)> {
        self.modules.iter()
    }

    pub(crate) fn items(&self, module: &str) -> &[Item] {
        self.modules.get(module).map_or(&[], |module| &module.items)
    }

    /// What `path` means in `module`.
    pub(crate) fn resolve(&self, module: &str, path: &[String]) -> Option<Target> {
        let mut here = Target::Module(module.to_owned());
        for (n, segment) in path.iter().enumerate() {
            let Target::Module(module) = &here else {
                return None;
            };
            let root = module.split("::").next().unwrap_or_default();
            here = match segment.as_str() {
                "self" => here,
                "crate" => Target::Module(root.to_owned()),
                "super" => Target::Module(module.rsplit_once("::")?.0.to_owned()),
                "ninefold_core" | "ninefold" if n == 0 => Target::Module(segment.clone()),
                name => self.lookup(module, name)?,
            };
        }
        Some(here)
    }

    fn lookup(&self, module: &str, name: &str) -> Option<Target> {
        let child = format!("{module}::{name}");
        if self.modules.contains_key(&child) {
            return Some(Target::Module(child));
        }
        let made = |item: &Item| match item {
            Item::Macro(call) => call.ident.is_none() && words(call).any(|word| word == name),
            _ => false,
        };
        let items = self.items(module);
        let named = |item: &Item| ident(item).is_some_and(|ident| ident == name);
        if items.iter().any(named) {
            return Some(Target::Item(module.to_owned(), name.to_owned()));
        }
        let imported = items
            .iter()
            .flat_map(imports)
            .find(|import| import.name == name);
        if let Some(import) = imported {
            return self.resolve(module, &import.path);
        }
        let is_made = items.iter().any(made);
        is_made.then(|| Target::Item(module.to_owned(), name.to_owned()))
    }

    /// The names of all public types and traits of a crate.
    pub(crate) fn public_types(&self, root: &str) -> Vec<String> {
        let modules = self
            .modules
            .iter()
            .filter(|(path, _)| path.split("::").next() == Some(root));
        let public = modules
            .flat_map(|(_, module)| &module.items)
            .filter(|item| is_public(item));
        let types = |item: &&Item| !matches!(item, Item::Const(_) | Item::Static(_) | Item::Fn(_));
        let mut idents: Vec<String> = public.filter(types).filter_map(ident).collect();
        idents.sort();
        idents.dedup();
        idents
    }
}

/// The words of a macro's call.
fn words(call: &syn::ItemMacro) -> impl Iterator<Item = String> + use<> {
    let text = call.mac.tokens.to_string();
    let words = text
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .map(str::to_owned);
    words.collect::<Vec<_>>().into_iter()
}

/// The name of an item.
pub(crate) fn ident(item: &Item) -> Option<String> {
    Some(match item {
        Item::Const(item) => item.ident.to_string(),
        Item::Enum(item) => item.ident.to_string(),
        Item::Fn(item) => item.sig.ident.to_string(),
        Item::Static(item) => item.ident.to_string(),
        Item::Struct(item) => item.ident.to_string(),
        Item::Trait(item) => item.ident.to_string(),
        Item::Type(item) => item.ident.to_string(),
        _ => return None,
    })
}

pub(crate) fn is_public(item: &Item) -> bool {
    let visibility = match item {
        Item::Const(item) => &item.vis,
        Item::Enum(item) => &item.vis,
        Item::Fn(item) => &item.vis,
        Item::Mod(item) => &item.vis,
        Item::Static(item) => &item.vis,
        Item::Struct(item) => &item.vis,
        Item::Trait(item) => &item.vis,
        Item::Type(item) => &item.vis,
        Item::Use(item) => &item.vis,
        _ => return false,
    };
    matches!(visibility, Visibility::Public(_))
}

/// What an item brings in by `use`.
pub(crate) fn imports(item: &Item) -> Vec<Import> {
    let mut found = Vec::new();
    if let Item::Use(item) = item {
        leaves(&item.tree, &[], &mut found);
    }
    found
}

fn leaves(tree: &UseTree, before: &[String], found: &mut Vec<Import>) {
    let with = |name: String| [before, &[name]].concat();
    match tree {
        UseTree::Path(path) => leaves(&path.tree, &with(path.ident.to_string()), found),
        UseTree::Group(group) => group
            .items
            .iter()
            .for_each(|tree| leaves(tree, before, found)),
        UseTree::Name(name) if name.ident == "self" => found.push(Import {
            path: before.to_vec(),
            name: before.last().cloned().unwrap_or_default(),
        }),
        UseTree::Name(name) => found.push(Import {
            path: with(name.ident.to_string()),
            name: name.ident.to_string(),
        }),
        UseTree::Rename(rename) => found.push(Import {
            path: with(rename.ident.to_string()),
            name: rename.rename.to_string(),
        }),
        UseTree::Glob(_) => found.push(Import {
            path: before.to_vec(),
            name: "*".to_owned(),
        }),
    }
}
