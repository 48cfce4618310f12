//! This node's certificate, renewed before it runs out, and those of others where this node has the authority.
//!
//! Looked at when it starts, and every hour: in its last third the node with the authority is asked for another one, over
//! the certificate that is there still. So two thirds of a year it is not needed, and a third of one it is asked again and
//! again. The new one is on the disk before it is shown.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use ninefold_core::time::Timestamp;
use ninefold_trust::renew::{self, Renewal, Renewer};
use ninefold_trust::{Identity, SecretsFolder};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_rustls::server::TlsStream;

use super::credentials::{Credentials, Shown};
use super::sync::{Ask, Fetch, ask, connect, message, text, write};
use super::view::Shared;
use crate::control;

/// Under this key a node says that it has the authority.
pub(super) const AUTHORITY_KEY: &str = "ca";
/// Under this key a node says when its certificate runs out, in seconds since 1970.
pub(crate) const UNTIL_KEY: &str = "until";

/// How often it is looked at, and how soon for the first time: by then others are known.
const LOOK: Duration = Duration::from_secs(3_600);
const FIRST_LOOK: Duration = Duration::from_secs(2);
/// How long to wait after a failure; then twice that, and so on, up to an hour.
const AGAIN: Duration = Duration::from_secs(5);
/// Asking for a certificate, and answering, may take so long.
const RENEW_TIME_MAX: Duration = Duration::from_secs(5);

/// What renews this node's certificate, and those of others.
pub(super) struct Renewals {
    credentials: Credentials,
    secrets: SecretsFolder,
    /// With the authority, where it is here.
    renewer: Option<Renewer>,
}

impl Renewals {
    /// # Errors
    /// When there is an authority, and it cannot be used.
    pub(super) fn load(credentials: Credentials, secrets: SecretsFolder) -> io::Result<Self> {
        let own = credentials.shown();
        let renewer = Renewer::load(&secrets, &own.identity, control::now());
        Ok(Self {
            renewer: renewer.map_err(io::Error::other)?,
            credentials,
            secrets,
        })
    }

    /// Whether the authority is here.
    pub(super) const fn has_authority(&self) -> bool {
        self.renewer.is_some()
    }

    /// Until when this node's certificate is good.
    pub(super) fn until(&self) -> Option<Timestamp> {
        let validity = self.credentials.shown().identity.validity(control::now());
        validity.ok().map(|validity| validity.until)
    }

    /// Renews this node's certificate whenever it is due, and says so.
    pub(super) async fn renew_own(self: Arc<Self>, asks: mpsc::Sender<Ask>, shared: Arc<Shared>) {
        let (mut wait, mut failures) = (FIRST_LOOK, 0u32);
        loop {
            sleep(wait).await;
            let own = self.credentials.shown();
            let validity = own.identity.validity(control::now());
            if validity.is_ok_and(|validity| !validity.is_due(control::now())) {
                wait = LOOK;
                continue;
            }
            match self.renew(&own, &asks).await {
                Ok(by) => {
                    let until = self.until().unwrap_or_default();
                    shared.note(format!("certificate renewed by {by}, until {until}"));
                    asks.send(Ask::SayUntil(until)).await.ok();
                    (wait, failures) = (LOOK, 0);
                }
                Err(why) => {
                    // Once is enough for the journal, as long as it goes on.
                    if failures == 0 {
                        shared.note(format!("certificate not renewed: {why}"));
                    }
                    tracing::warn!("the certificate is not renewed: {why}");
                    wait = AGAIN
                        .saturating_mul(2u32.saturating_pow(failures))
                        .min(LOOK);
                    failures = failures.saturating_add(1);
                }
            }
        }
    }

    /// By whom, or why not.
    async fn renew(&self, own: &Shown, asks: &mpsc::Sender<Ask>) -> Result<String, String> {
        let (renewed, by) = match &self.renewer {
            Some(renewer) => {
                let renewed = renewer.renew_own(&own.identity, control::now());
                (renewed.map_err(text)?, own.identity.node().to_string())
            }
            None => {
                let authority = ask(asks, Ask::Authority).await.map_err(text)?;
                let (authority, by) =
                    authority.ok_or("no node is known that has the authority and is there")?;
                let asked = timeout(RENEW_TIME_MAX, self.ask(own, authority)).await;
                (asked.map_err(text)??, by)
            }
        };
        let (secrets, before, new) = (self.secrets.clone(), own.identity.clone(), renewed.clone());
        let written = tokio::task::spawn_blocking(move || new.replace(&secrets, &before)).await;
        written.map_err(text)?.map_err(text)?;
        self.credentials.replace(renewed).map_err(text)?;
        Ok(by)
    }

    async fn ask(&self, own: &Shown, of: Fetch) -> Result<Identity, String> {
        let mut stream = connect(of, &own.renewals, renew::PROTOCOL).await?;
        let (_, connection) = stream.get_ref();
        let binding = connection.export_keying_material([0; 32], renew::LABEL, None);
        let renewal = Renewal::begin().map_err(text)?;
        let request = renewal.request(&own.identity, &binding.map_err(text)?);
        write(&mut stream, &request.map_err(text)?)
            .await
            .map_err(text)?;
        let answer = message(&mut stream, renew::MESSAGE_MAX).await?;
        let renewed = renewal.finish(&own.identity, &answer, control::now());
        renewed.map_err(text)
    }

    /// Answers one that asks.
    pub(super) async fn serve(
        &self,
        mut stream: TlsStream<TcpStream>,
        shared: &Shared,
    ) -> io::Result<()> {
        let answered = timeout(RENEW_TIME_MAX, self.answer(&mut stream)).await?;
        match answered {
            Ok(Ok(node)) => shared.note(format!("certificate of {node} renewed")),
            Ok(Err(why)) => {
                let by = stream.get_ref().0.peer_addr()?;
                tracing::warn!(%by, "a certificate was not renewed: {why}");
            }
            Err(why) => tracing::debug!("a certificate was not renewed: {why}"),
        }
        Ok(())
    }

    async fn answer(
        &self,
        stream: &mut TlsStream<TcpStream>,
    ) -> Result<Result<ninefold_trust::NodeName, String>, String> {
        let renewer = self.renewer.as_ref().ok_or("there is no authority here")?;
        let request = message(stream, renew::MESSAGE_MAX).await?;
        let (_, connection) = stream.get_ref();
        let binding = connection.export_keying_material([0; 32], renew::LABEL, None);
        let shown = connection.peer_certificates().and_then(<[_]>::first);
        let (answer, decided) =
            renewer.answer(&request, shown, &binding.map_err(text)?, control::now());
        write(stream, &answer).await.map_err(text)?;
        stream.shutdown().await.map_err(text)?;
        Ok(decided)
    }
}
