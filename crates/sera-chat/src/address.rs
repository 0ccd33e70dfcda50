//! Where connections may go, and how all of them are made.
use reqwest::{ClientBuilder, Url};
use std::net::IpAddr;
use std::time::Duration;

pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// Whether `url` is this machine itself.
pub(crate) fn is_loopback(url: &Url) -> bool {
    url.host_str() == Some("localhost") || ip(url).is_some_and(|address| address.is_loopback())
}

/// Whether `url` is an address of a network of one's own, which a name server cannot change.
pub(crate) fn is_private(url: &Url) -> bool {
    ip(url).is_some_and(|address| match address {
        // 100.64/10 is what mesh networks use.
        IpAddr::V4(v4) => v4.is_private() || v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64,
        IpAddr::V6(v6) => v6.is_unique_local(),
    })
}

fn ip(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// What every connection has in common. This machine, and whatever is spoken to in plain, is asked
/// directly, whatever proxy is set.
pub(crate) fn client(url: &Url) -> ClientBuilder {
    // Fails only where another part of the process chose a provider before: that one is as good.
    let _chosen = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .user_agent(concat!("sera/", env!("CARGO_PKG_VERSION")));
    if is_loopback(url) || url.scheme() == "http" { builder.no_proxy() } else { builder }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_apart() {
        let check = |url: &str, loopback: bool, private: bool| {
            let url = Url::parse(url).unwrap();
            assert_eq!((is_loopback(&url), is_private(&url)), (loopback, private), "{url}");
        };
        check("http://localhost:80/x", true, false);
        check("http://127.0.0.9/x", true, false);
        check("http://[::1]:80/x", true, false);
        check("http://192.168.0.7:8000/v1", false, true);
        check("http://100.100.1.2/v1", false, true);
        check("http://[fd00::1]/v1", false, true);
        check("http://100.128.1.2/v1", false, false);
        check("http://8.8.8.8/v1", false, false);
        check("https://localhost.example.com/x", false, false);
        check("https://127.0.0.1.example.com/x", false, false);
    }
}
