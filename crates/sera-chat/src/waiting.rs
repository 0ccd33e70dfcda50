//! Waiting that ends when the caller cancels.
use sera_core::Cancel;
use std::time::Duration;

/// How soon a cancel is noticed while nothing happens.
const POLL: Duration = Duration::from_millis(100);

/// Waits for `work`; none where the caller cancels first.
pub(crate) async fn or_cancel<T>(cancel: &Cancel, work: impl Future<Output = T>) -> Option<T> {
    let mut work = std::pin::pin!(work);
    while !cancel.is_cancelled() {
        if let Ok(result) = tokio::time::timeout(POLL, &mut work).await {
            return Some(result);
        }
    }
    None
}
