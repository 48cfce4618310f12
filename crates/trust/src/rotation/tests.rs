use super::*;
use crate::local;

const DAY: Duration = Duration::from_secs(86_400);

struct Cluster {
    _folder: tempfile::TempDir,
    secrets: Vec<SecretsFolder>,
    identities: Vec<Identity>,
}

fn cluster(name: &str) -> Cluster {
    let folder = tempfile::tempdir().unwrap();
    let states: Vec<_> = ["n1", "n2"].map(|n| folder.path().join(n)).into();
    for state in &states {
        std::fs::create_dir(state).unwrap();
    }
    local::prepare(&states, name).unwrap();
    let secrets: Vec<_> = states.iter().map(|s| SecretsFolder::of_state(s)).collect();
    let load = |secrets| Identity::load(secrets, crate::now()).unwrap().unwrap();
    let identities = secrets.iter().map(load).collect();
    Cluster {
        _folder: folder,
        secrets,
        identities,
    }
}

impl Cluster {
    fn rotator(&self) -> Rotator {
        let name = self.identities[0].cluster();
        let rotator = Rotator::load(&self.secrets[0], name, crate::now());
        rotator.unwrap().unwrap()
    }

    /// What the second node makes of what the first one has.
    fn told(&self, present: &Keys) -> Result<Option<Keys>, KeysError> {
        let first = Keys::load(&self.secrets[0]).unwrap();
        let answer = first.answer(&present.request().unwrap()).unwrap();
        present.taken(&answer, &self.identities[1])
    }
}

fn ids(keys: &Keys) -> Vec<String> {
    keys.ring().keys().map(|key| key.id().to_string()).collect()
}

#[test]
fn each_step_waits_for_those_that_are_behind_and_the_last_for_its_time() {
    let cluster = cluster("shop");
    let (rotator, now) = (cluster.rotator(), crate::now());
    let first = Keys::load(&cluster.secrets[0]).unwrap();
    assert_eq!((first.generation(), first.step()), (0, KeysStep::Settled));
    assert!(
        rotator.go_on(0, now).unwrap().is_none(),
        "nothing is wanted"
    );

    let spreading = rotator.begin(DAY, now).unwrap();
    assert_eq!(
        (spreading.generation(), spreading.step()),
        (1, KeysStep::Spreading)
    );
    assert_eq!(ids(&spreading)[0], ids(&first)[0], "the old one seals");
    let again = rotator.begin(DAY, now).unwrap_err();
    assert!(
        again.to_string().contains("generation 1 is spreading"),
        "{again}"
    );
    assert!(rotator.go_on(1, now).unwrap().is_none(), "one is behind");

    let retiring = rotator.go_on(0, now).unwrap().unwrap();
    assert_eq!(
        (retiring.generation(), retiring.step()),
        (2, KeysStep::Retiring)
    );
    assert_eq!(ids(&retiring)[0], ids(&spreading)[1], "the new one seals");
    assert_eq!(ids(&retiring)[1], ids(&first)[0]);
    assert!(
        rotator.go_on(0, now + DAY / 2).unwrap().is_none(),
        "it is kept"
    );
    assert!(
        rotator.go_on(1, now + DAY).unwrap().is_none(),
        "one is behind"
    );

    let settled = rotator.go_on(0, now + DAY).unwrap().unwrap();
    assert_eq!(
        (settled.generation(), settled.step()),
        (3, KeysStep::Settled)
    );
    assert_eq!(ids(&settled), [ids(&retiring)[0].clone()]);
    assert_eq!(Keys::load(&cluster.secrets[0]).unwrap(), settled);
    let loaded = Identity::load(&cluster.secrets[0], now).unwrap().unwrap();
    assert_eq!(loaded.keys(), settled.ring());
    assert_eq!(rotator.begin(DAY, now).unwrap().generation(), 4);
}

#[test]
fn a_member_takes_what_is_later_and_signed_and_nothing_else() {
    let cluster = cluster("shop");
    let rotator = cluster.rotator();
    let own = Keys::load(&cluster.secrets[1]).unwrap();
    assert!(cluster.told(&own).unwrap().is_none(), "there is none");
    let spreading = rotator.begin(DAY, crate::now()).unwrap();
    let taken = cluster.told(&own).unwrap().unwrap();
    assert_eq!(taken, spreading);
    taken.save(&cluster.secrets[1]).unwrap();
    assert_eq!(Keys::load(&cluster.secrets[1]).unwrap(), spreading);
    assert!(cluster.told(&taken).unwrap().is_none(), "it has it");

    let retiring = rotator.go_on(0, crate::now()).unwrap().unwrap();
    assert_eq!(
        cluster.told(&own).unwrap().unwrap(),
        retiring,
        "steps are left out"
    );
    retiring.save(&cluster.secrets[1]).unwrap();
    spreading.save(&cluster.secrets[1]).unwrap();
    assert_eq!(
        Keys::load(&cluster.secrets[1]).unwrap(),
        retiring,
        "no way back"
    );
    let old = serde_json::to_vec(&Answer::Keys(spreading)).unwrap();
    let later = retiring.taken(&old, &cluster.identities[1]);
    assert!(later.unwrap().is_none(), "no way back");

    let mut changed = [
        retiring.clone(),
        retiring.clone(),
        retiring.clone(),
        retiring,
    ];
    changed[0].generation += 1;
    changed[1].step = KeysStep::Settled;
    changed[2].keys = KeyRing::new(GossipKey::generate().unwrap());
    changed[3].signature = None;
    for keys in changed {
        let answer = serde_json::to_vec(&Answer::Keys(keys)).unwrap();
        let refused = own.taken(&answer, &cluster.identities[1]);
        assert!(matches!(refused, Err(KeysError::Unsigned)), "{refused:?}");
    }
    assert!(own.taken(b"{", &cluster.identities[1]).is_err());
    assert!(own.answer(b"{}").is_err());
}

#[test]
fn another_clusters_authority_is_not_believed() {
    let (one, other) = (cluster("shop"), cluster("shop"));
    let keys = other.rotator().begin(DAY, crate::now()).unwrap();
    let answer = serde_json::to_vec(&Answer::Keys(keys)).unwrap();
    let own = Keys::load(&one.secrets[1]).unwrap();
    let refused = own.taken(&answer, &one.identities[1]);
    assert!(matches!(refused, Err(KeysError::Unsigned)), "{refused:?}");
    assert!(
        Rotator::load(&one.secrets[1], one.identities[1].cluster(), crate::now())
            .unwrap()
            .is_none()
    );
}

#[test]
fn who_is_expelled_gets_no_other_key_and_is_named_in_what_is_signed() {
    let cluster = cluster("shop");
    let (rotator, now) = (cluster.rotator(), crate::now());
    let name = |text: &str| text.parse::<NodeName>().unwrap();
    let n3 = name("n3");
    rotator.begin(DAY, now).unwrap();
    let under_way = rotator.go_on(0, now).unwrap().unwrap();
    assert_eq!(under_way.step(), KeysStep::Retiring);

    let expelled = rotator.expel(&n3, now).unwrap();
    assert_eq!(expelled.step(), KeysStep::Spreading);
    assert!(expelled.expelled().has(&n3) && !expelled.expelled().has(&name("n2")));
    assert_eq!(ids(&expelled)[..2], ids(&under_way), "some seal by both");
    let newest = ids(&expelled)[2].clone();
    let second = rotator.expel(&name("n4"), now).unwrap();
    assert!(!ids(&second).contains(&newest), "n4 may have it");
    let retiring = rotator.go_on(0, now).unwrap().unwrap();
    assert_eq!(ids(&retiring)[0], ids(&second)[1]);
    let settled = rotator.go_on(0, now).unwrap().unwrap();
    assert_eq!(settled.step(), KeysStep::Settled, "nothing is kept");
    assert_eq!(ids(&settled), [ids(&retiring)[0].clone()]);

    let own = Keys::load(&cluster.secrets[1]).unwrap();
    let mut forged = settled.clone();
    forged.expelled.remove(&n3);
    let answer = serde_json::to_vec(&Answer::Keys(forged)).unwrap();
    let refused = own.taken(&answer, &cluster.identities[1]);
    assert!(matches!(refused, Err(KeysError::Unsigned)), "{refused:?}");
    assert_eq!(cluster.told(&own).unwrap().unwrap(), settled);

    let back = rotator.take_back(&n3, now).unwrap();
    assert_eq!(ids(&back), ids(&settled));
    let left: Vec<_> = back
        .expelled()
        .names()
        .map(|name| name.to_string())
        .collect();
    assert_eq!(left, ["n4"]);
    assert_eq!(cluster.told(&settled).unwrap().unwrap(), back);
}

#[test]
fn what_would_change_nothing_or_too_much_is_refused() {
    let cluster = cluster("shop");
    let (rotator, now) = (cluster.rotator(), crate::now());
    let name = |text: &str| text.parse::<NodeName>().unwrap();
    let why = |refused: Result<Keys, KeysError>| refused.unwrap_err().to_string();
    let own = why(rotator.expel(&name("n1"), now));
    assert!(own.contains("cannot be expelled"), "{own}");
    let not = why(rotator.take_back(&name("n2"), now));
    assert_eq!(not, "n2 is not expelled");
    rotator.expel(&name("n2"), now).unwrap();
    let again = why(rotator.expel(&name("n2"), now));
    assert_eq!(again, "n2 is expelled already");
    let early = why(rotator.take_back(&name("n2"), now));
    assert!(early.contains("are being changed already"), "{early}");
    for n in 3..=EXPELLED_MAX + 1 {
        rotator.expel(&name(&format!("n{n}")), now).unwrap();
    }
    let many = why(rotator.expel(&name("one-more"), now));
    assert!(many.starts_with("128 nodes are expelled already"), "{many}");
    // The longest list still goes into an answer.
    let first = Keys::load(&cluster.secrets[1]).unwrap();
    let answer = Keys::load(&cluster.secrets[0]).unwrap();
    let answer = answer.answer(&first.request().unwrap()).unwrap();
    assert!(answer.len() < MESSAGE_MAX, "{}", answer.len());
}

#[test]
fn a_certificate_is_known_by_its_name() {
    let cluster = cluster("shop");
    let keys = cluster
        .rotator()
        .expel(&"n2".parse().unwrap(), crate::now());
    let keys = keys.unwrap();
    let [one, two] = &cluster.identities[..] else {
        panic!("two nodes");
    };
    let by = |of: &Identity| keys.expelled().shown_by(one, &of.shown().unwrap()).cloned();
    assert_eq!(by(two), Some(two.node().clone()));
    assert_eq!(by(one), None);
}
