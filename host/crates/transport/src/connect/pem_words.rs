//! Explains why a certificate or key file cannot be used.

/// Returns the reason, from the bytes of the file, with the way out. `what` is `CA file`,
/// `client certificate` or `private key`.
pub(crate) fn explain(what: &str, file: &str, bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let has = |word: &str| text.contains(word);
    let is_key = what == "private key";
    let said = if is_key && has("ENCRYPTED") {
        format!(
            "it has a passphrase, which mockfleet cannot enter; `openssl pkey -in {file} -out plain-key.pem` writes the key without it"
        )
    } else if has("BEGIN OPENSSH PRIVATE KEY") {
        format!("it is a key of SSH; `ssh-keygen -p -m PEM -f {file}` turns it into PEM")
    } else if is_key && has("BEGIN CERTIFICATE-----") && !has("PRIVATE KEY-----") {
        "it is a certificate; its private key belongs here".into()
    } else if has("CERTIFICATE REQUEST-----") {
        "it is a request (CSR); the certificate that an authority made from it belongs here".into()
    } else if !is_key && has("PRIVATE KEY-----") && !has("BEGIN CERTIFICATE-----") {
        "it is a private key; the certificate belongs here".into()
    } else if bytes.first() == Some(&0x30) && !has("-----BEGIN") {
        let command = if is_key { "pkey" } else { "x509" };
        format!(
            "it is binary (DER or PKCS#12); `openssl {command} -inform der -in {file} -out {command}.pem`, or for a .p12 or .pfx `openssl pkcs12 -nodes -in {file} -out all.pem`, turns it into PEM"
        )
    } else if bytes.is_empty() {
        "it is empty".into()
    } else if !has("-----BEGIN") {
        "it has no line that begins with -----BEGIN".into()
    } else {
        return None;
    };
    Some(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wrong_file_has_a_way_out() {
        let key = "private key";
        let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n";
        let new = "-----BEGIN ENCRYPTED PRIVATE KEY-----\n";
        for (what, bytes, way_out) in [
            (key, old.as_bytes(), "`openssl pkey -in f.pem"),
            (key, new.as_bytes(), "`openssl pkey -in f.pem"),
            (key, b"-----BEGIN CERTIFICATE-----\n", "it is a certificate"),
            (key, b"\x30\x82\x01", "`openssl pkey -inform der -in f.pem"),
            ("CA file", b"\x30\x82\x01", "`openssl x509 -inform der"),
            (
                "CA file",
                b"-----BEGIN PRIVATE KEY-----\n",
                "it is a private key",
            ),
            (
                "client certificate",
                b"-----BEGIN CERTIFICATE REQUEST-----\n",
                "(CSR)",
            ),
            ("CA file", b"", "it is empty"),
            ("CA file", b"hello", "no line that begins"),
        ] {
            let said = explain(what, "f.pem", bytes).unwrap();
            assert!(said.contains(way_out), "{said}");
        }
        assert_eq!(
            explain(key, "f.pem", b"-----BEGIN PRIVATE KEY-----\nA\n"),
            None
        );
    }
}
