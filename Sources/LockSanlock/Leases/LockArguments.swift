#if Sanlock
    /// The lock arguments of a volume group: `1.0.0:VOLUME`.
    struct GroupArguments: Hashable, Sendable {
        /// The logical volume that carries the leases.
        var volume: String

        /// Reads arguments; nil if they name no volume.
        init?(_ text: String) {
            guard let colon = text.firstIndex(of: ":") else { return nil }
            let rest = text[text.index(after: colon)...]
            self.volume = String(rest.prefix { $0 != ":" })
            if self.volume.isEmpty { return nil }
        }
    }

    /// The lock arguments of a logical volume: `1.0.0:OFFSET`.
    struct VolumeArguments: Hashable, Sendable {
        /// Where the volume's lease begins.
        var offset: UInt64

        /// Reads arguments; nil if they have no offset.
        init?(_ text: String) {
            guard let colon = text.firstIndex(of: ":"),
                let offset = UInt64(text[text.index(after: colon)...].prefix { $0 != ":" })
            else { return nil }
            self.offset = offset
        }
    }
#endif
