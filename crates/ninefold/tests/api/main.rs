//! What users can name, held against `public-api.txt`: a change of it shows in the difference.
//! `UPDATE_EXPECT=1 cargo test -p ninefold --test api` writes it anew.

#[cfg(test)]
mod names;
#[cfg(test)]
mod print;
#[cfg(test)]
mod text;
#[cfg(test)]
mod world;

#[cfg(test)]
mod tests {
    use expect_test::expect_file;

    use super::names::Names;
    use super::print;
    use super::world::World;

    const ABOUT: &str = "\
# What users of `ninefold` can name, read from its sources and from those parts of `ninefold_core`
# that it hands on. [feature] marks what a feature brings. Not listed: whether a type is Send or Sync,
# and what a macro makes, other than by its text.

";

    #[test]
    fn the_public_api_is_as_it_was() {
        let world = World::read();
        let names = Names::of(&world);
        let api = format!("{ABOUT}{}", print::all(&world, &names));
        expect_file!["../../public-api.txt"].assert_eq(&api);
    }

    #[test]
    fn nobody_needs_the_core_to_name_what_is_in_a_signature() {
        let world = World::read();
        let names = Names::of(&world);
        let api = print::all(&world, &names);
        let missing: Vec<_> = world
            .public_types("ninefold_core")
            .into_iter()
            .filter(|ident| !names.has_ident(ident) && print::mentions(&api, ident))
            .collect();
        assert!(missing.is_empty(), "not reachable: {missing:?}");
    }
}
