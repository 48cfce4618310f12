use shop::checkout::{Order, Placed, Store};

fn order(id: &str, quantity: u32) -> Order {
    Order {
        id: id.into(),
        item: "mug".into(),
        quantity,
        total_cents: 1,
    }
}

/// Three replicas open the file at the same moment, as after a start of everything.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn replicas_that_start_together_share_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data/orders.db");
    let opening: Vec<_> = (0..3)
        .map(|_| {
            let path = path.clone();
            std::thread::spawn(move || Store::open(&path).unwrap())
        })
        .collect();
    let stores: Vec<Store> = opening.into_iter().map(|t| t.join().unwrap()).collect();
    let placed = futures(&stores, |store| store.place(order("same", 1))).await;
    let new = placed
        .iter()
        .filter(|p| matches!(p, Placed::New(_)))
        .count();
    assert_eq!((new, placed.len()), (1, 3));
    for store in &stores {
        let kept = store.order("same".into()).await.unwrap();
        assert_eq!(kept, Some(order("same", 1)));
        let conflict = store.place(order("same", 2)).await.unwrap();
        assert_eq!(conflict, Placed::Conflict);
    }
}

/// Calls every store at once and gives the results.
async fn futures<'a, F>(stores: &'a [Store], call: impl Fn(&'a Store) -> F) -> Vec<Placed>
where
    F: Future<Output = Result<Placed, shop::checkout::StoreError>>,
{
    let [a, b, c] = stores else { panic!("three") };
    let (a, b, c) = tokio::join!(call(a), call(b), call(c));
    vec![a.unwrap(), b.unwrap(), c.unwrap()]
}

/// A replica that hangs while it writes holds the write lock; the others can still be read.
#[tokio::test]
async fn a_held_write_lock_does_not_stop_readers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.db");
    let store = Store::open(&path).unwrap();
    store.place(order("before", 1)).await.unwrap();

    let hung = rusqlite::Connection::open(&path).unwrap();
    hung.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(store.order("before".into()).await.unwrap().is_some());
    store.check().await.unwrap();
    let late = store.place(order("late", 1));
    tokio::pin!(late);
    // Under way, not done: it waits for the lock.
    assert!(
        tokio::time::timeout(std::time::Duration::from_millis(50), &mut late)
            .await
            .is_err()
    );
    drop(hung);
    assert!(matches!(late.await.unwrap(), Placed::New(_)));
}

#[tokio::test]
async fn orders_survive_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.db");
    Store::open(&path)
        .unwrap()
        .place(order("kept", 3))
        .await
        .unwrap();
    let store = Store::open(&path).unwrap();
    assert_eq!(
        store.order("kept".into()).await.unwrap(),
        Some(order("kept", 3))
    );
    assert_eq!(store.order("other".into()).await.unwrap(), None);
    // Closed in order, the log has moved into the file.
    drop(store);
    assert!(path.exists() && !path.with_extension("db-wal").exists());
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.db");
    std::fs::write(&path, "this is a text, and long enough to be read as one").unwrap();
    let why = Store::open(&path).unwrap_err().to_string();
    assert!(why.contains("not a database"), "{why}");
}
