//! A request that is counted while it is under way.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Response;
use pin_project_lite::pin_project;

use super::UnderWay;

pin_project! {
    /// The answer of a service that says how much it has to do.
    #[derive(Debug)]
    pub struct ReportsLoadFuture<F, Answer> {
        #[pin]
        asked: Option<F>,
        under_way: Option<UnderWay>,
        told: Option<Response<Answer>>,
    }
}

impl<F, Answer> ReportsLoadFuture<F, Answer> {
    pub(super) const fn told(answer: Response<Answer>) -> Self {
        Self {
            asked: None,
            under_way: None,
            told: Some(answer),
        }
    }

    pub(super) const fn asked(asked: F, under_way: UnderWay) -> Self {
        Self {
            asked: Some(asked),
            under_way: Some(under_way),
            told: None,
        }
    }
}

impl<F, Answer, E> Future for ReportsLoadFuture<F, Answer>
where
    F: Future<Output = Result<Response<Answer>, E>>,
{
    type Output = Result<Response<Answer>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Some(answer) = this.told.take() {
            return Poll::Ready(Ok(answer));
        }
        let Some(asked) = this.asked.as_pin_mut() else {
            return Poll::Pending;
        };
        let answered = ready!(asked.poll(context));
        if let Some(under_way) = this.under_way.take()
            && answered.is_ok()
        {
            under_way.answered();
        }
        Poll::Ready(answered)
    }
}
