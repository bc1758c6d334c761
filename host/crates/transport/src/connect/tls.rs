//! Configures TLS for both protocols.

use std::fmt::Display;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use mockfleet_config::{File, Tls};
use mockfleet_files::bounded_read::MAX_TEXT;

use crate::connect::pem_words;

/// An error in the TLS settings of a target.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages describe each error")]
pub enum TlsError {
    #[error("{what} {file} cannot be read as PEM: {cause}")]
    Pem {
        what: &'static str,
        file: String,
        cause: String,
    },
    #[error(
        "CA file {file} holds no certificate that can be used; `openssl x509 -noout -text -in {file}` prints it"
    )]
    NoAuthority { file: String },
    #[error("client certificate {cert} and key {key} do not work together: {cause}")]
    Identity {
        cert: String,
        key: String,
        cause: String,
    },
    #[error("the system's certificates cannot be used: {0}; name a CA file with tls.ca")]
    System(rustls::Error),
}

/// Returns the TLS settings of a target: the authorities of the CA file (or of the
/// system), and the client certificate if there is one.
///
/// # Errors
/// When a file cannot be read or used.
pub(crate) fn client(tls: &Tls) -> Result<Arc<ClientConfig>, TlsError> {
    use rustls_platform_verifier::BuilderVerifierExt;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsError::System)?;
    let builder = match &tls.ca {
        Some(file) => builder.with_root_certificates(authorities(file)?),
        None => builder.with_platform_verifier().map_err(TlsError::System)?,
    };
    let config = match &tls.identity {
        Some((cert, key)) => builder
            .with_client_auth_cert(certificates("client certificate", cert)?, private_key(key)?)
            .map_err(|cause| TlsError::Identity {
                cert: cert.to_string(),
                key: key.to_string(),
                cause: mismatch(&cause),
            })?,
        None => builder.with_no_client_auth(),
    };
    Ok(Arc::new(config))
}

fn authorities(file: &File) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates("CA file", file)?);
    if roots.is_empty() {
        return Err(TlsError::NoAuthority {
            file: file.to_string(),
        });
    }
    Ok(roots)
}

/// Explains why a certificate and a key are refused.
fn mismatch(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InconsistentKeys(_) => "the key is not that of the certificate, which has to be the first in its file; `openssl x509 -noout -pubkey -in CERT` and `openssl pkey -pubout -in KEY` print the same if they belong together".into(),
        other => other.to_string(),
    }
}

fn certificates(what: &'static str, file: &File) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = file
        .read(MAX_TEXT)
        .map_err(|error| pem(what, file, error))?;
    let list: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let list = list.map_err(|error| wrong_pem(what, file, &text, &error))?;
    if list.is_empty() {
        return Err(wrong_pem(what, file, &text, &"it has no certificate"));
    }
    Ok(list)
}

fn private_key(file: &File) -> Result<PrivateKeyDer<'static>, TlsError> {
    let what = "private key";
    let text = file
        .read(MAX_TEXT)
        .map_err(|error| pem(what, file, error))?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| wrong_pem(what, file, &text, &error))
}

fn wrong_pem(what: &'static str, file: &File, bytes: &[u8], error: &dyn Display) -> TlsError {
    match pem_words::explain(what, &file.to_string(), bytes) {
        Some(said) => pem(what, file, said),
        None => pem(what, file, error),
    }
}

fn pem(what: &'static str, file: &File, error: impl Display) -> TlsError {
    TlsError::Pem {
        what,
        file: file.to_string(),
        cause: error.to_string(),
    }
}
