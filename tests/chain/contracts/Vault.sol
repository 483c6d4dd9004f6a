// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// Refuses everything with an error of its own, which reaches the caller through Vault.
contract Inner {
    error InnerRefused(bytes32 tag, address caller);

    function refuse(bytes32 tag) external view {
        revert InnerRefused(tag, msg.sender);
    }
}

/// One function for each way in which a call can end.
contract Vault {
    struct Entry {
        address by;
        uint256 value;
        bytes note;
    }

    event Stored(address indexed by, uint256 value, string indexed hashedNote, string note);
    event Counted(uint256 indexed count);

    error LimitExceeded(uint256 limit, uint256 asked);
    error EntryRefused(Entry entry);

    uint256 public immutable limit;
    Inner public immutable inner;
    Entry[] private entries;
    uint256 public count;

    constructor(uint256 limit_, Inner inner_) {
        if (limit_ == 0) revert LimitExceeded(0, 0);
        limit = limit_;
        inner = inner_;
    }

    receive() external payable {}

    function store(uint256 value, string calldata note) external payable {
        if (value > limit) revert LimitExceeded(limit, value);
        entries.push(Entry(msg.sender, value, bytes(note)));
        emit Stored(msg.sender, value, note, note);
    }

    function increment() external returns (uint256) {
        emit Counted(++count);
        return count;
    }

    function incrementBelow(uint256 bound) external {
        if (count >= bound) revert LimitExceeded(bound, count);
        ++count;
    }

    function all() external view returns (Entry[] memory) {
        return entries;
    }

    function pair() external view returns (uint256, address) {
        return (limit, address(inner));
    }

    function overloaded(uint256 a) external pure returns (uint256) {
        return a;
    }

    function overloaded(bytes32 a) external pure returns (bytes32) {
        return a;
    }

    function refuseStruct() external view {
        revert EntryRefused(Entry(msg.sender, 7, hex"0102"));
    }

    function refuseInner(bytes32 tag) external view {
        inner.refuse(tag);
    }

    function requireString() external pure {
        require(false, "plain words");
    }

    function overflow(uint256 a) external pure returns (uint256) {
        return a + 1;
    }

    function silent() external pure {
        assembly {
            revert(0, 0)
        }
    }

    function unknownError() external pure {
        assembly {
            mstore(0, shl(224, 0xdeadbeef))
            revert(0, 4)
        }
    }

    function burnAllGas() external {
        while (true) ++count;
    }
}
