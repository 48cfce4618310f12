//! That a newcomer has the key that it wants a certificate for, and is at the other end of this very connection.

use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData, SignatureAlgorithm, SigningKey};
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};

/// What is exported from a connection (RFC 8446, section 7.5).
pub(super) const LABEL: &[u8] = b"EXPORTER-ninefold-join-1";

/// What only the two ends of one connection know.
pub(crate) type Binding = [u8; 32];

/// A point of P-256, uncompressed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NodeKey([u8; 65]);

impl NodeKey {
    pub(crate) fn of_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Whether the signature is by this key, over that name and that connection. A key that is no point of the curve
    /// has signed nothing.
    pub(crate) fn has_signed(
        &self,
        proof: &[u8],
        binding: &Binding,
        cluster: &str,
        node: &str,
    ) -> bool {
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, self.0);
        key.verify(&text(binding, cluster, node), proof).is_ok()
    }
}

impl PublicKeyData for NodeKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

/// Signs that name and that connection.
pub(crate) fn sign(
    key: &KeyPair,
    binding: &Binding,
    cluster: &str,
    node: &str,
) -> Result<Vec<u8>, rcgen::Error> {
    key.sign(&text(binding, cluster, node))
}

/// Names have no zero in them.
fn text(binding: &Binding, cluster: &str, node: &str) -> Vec<u8> {
    let parts: [&[u8]; 5] = [LABEL, binding, cluster.as_bytes(), &[0], node.as_bytes()];
    parts.concat()
}
