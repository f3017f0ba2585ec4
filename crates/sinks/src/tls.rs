//! Whom a certificate has to be from.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::Error;

/// Whether it is TLS that has failed, and not the connection below it.
pub(crate) fn is_to_blame(error: &std::io::Error) -> bool {
    error
        .get_ref()
        .is_some_and(|inner| inner.is::<rustls::Error>())
}

/// The certificates of a PEM file, for those who have an authority of their own.
pub(crate) fn authorities(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let bad = |why: &dyn std::fmt::Display| {
        Error::certificates(format!(
            "read the certificates of {}: {why}",
            path.display()
        ))
    };
    let bytes = fs::read(path).map_err(|error| bad(&error))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(bad(&"there is none in it; it has to be PEM")),
        Err(error) => Err(bad(&error)),
    }
}

/// What a client accepts: the authorities that are given, else those that browsers accept.
pub(crate) fn client(own: Option<&[CertificateDer<'static>]>) -> Result<Arc<ClientConfig>, Error> {
    let mut roots = RootCertStore::empty();
    match own {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(own) => {
            roots.add_parsable_certificates(own.iter().cloned());
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::certificates(format!("use TLS: {error}")))?;
    Ok(Arc::new(
        config.with_root_certificates(roots).with_no_client_auth(),
    ))
}
