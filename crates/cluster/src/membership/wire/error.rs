use crate::membership::node::NodeId;

/// Why bytes are no packet of this cluster. Nothing has changed by them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// It ends too early.
    #[error("the packet ends within a field")]
    Truncated,
    /// It is longer than any packet.
    #[error("a packet of {0} bytes is longer than any")]
    TooLong(usize),
    /// Something follows its end.
    #[error("{0} bytes follow the end of the packet")]
    LeftOver(usize),
    /// Another version of this protocol, or another protocol.
    #[error("version {0} is not spoken here")]
    Version(u8),
    /// Of one that is no member any more.
    #[error("{0} is kept out of the cluster")]
    KeptOut(NodeId),
    /// Of another cluster.
    #[error("the packet is of another cluster")]
    OtherCluster,
    /// A kind, a status or a family of addresses that there is not.
    #[error("{0} is no {1}")]
    Unknown(u8, &'static str),
    /// A list or a text above its limit.
    #[error("{0} {1} are more than a packet may have")]
    TooMany(u64, &'static str),
    /// A number that is longer than it has to be, or than 64 bits.
    #[error("a number that is not in its shortest form")]
    Number,
    /// A list that is not in ascending order, or holds what it has no room for.
    #[error("{0} that are not in their place")]
    Order(&'static str),
    /// Bytes that are no text.
    #[error("a text that is not UTF-8")]
    Text,
}
