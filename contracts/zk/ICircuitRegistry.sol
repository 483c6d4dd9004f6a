// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Circuits, named by everything that their meaning depends on
/// @notice Anyone may register any circuit, a worthless one too: registration endorses nothing. A circuit's id is the
/// hash of its description, so whoever relies on a claim fixes the id after checking the description once: that the
/// verifying key (`vkaDigest`, or the code of the dedicated verifier) is the one that the published circuit compiles
/// to, and that `committedPoints` and `witnessPoints` cover every private tensor but rho.
interface ICircuitRegistry {
    /// @notice A circuit.
    /// @param vkaDigest keccak256 of the verifying-key artefact's words.
    /// @param verifierCodeHash code hash of the dedicated verifier; zero if there is none.
    /// @param statementDigest SHA-256 of the canonical public statement (architecture, settings, data-set digest).
    /// @param datasetDigest SHA-256 of the data set in the verifying key; zero if there is none.
    /// @param dedicatedVerifier the verifier generated for this circuit alone; zero for the reusable one.
    /// @param samples how many samples the data set has.
    /// @param proofLength the length of every proof in bytes. The reusable verifier ignores trailing words and would
    /// read a short proof's end from the public inputs, so the registry fixes it.
    /// @param committedPoints how many leading points commit to what outlives the proof: the model, or the input.
    /// @param witnessPoints how many points follow that commit to the other private tensors.
    /// @param checks how many public inputs between rho and the result must be zero.
    // Layout: slots 0-3 the four digests; slot 4, from the low end,
    // | dedicatedVerifier 160 | samples 32 | proofLength 32 | committedPoints 8 | witnessPoints 8 | checks 8 | free 8 |
    struct Circuit {
        bytes32 vkaDigest;
        bytes32 verifierCodeHash;
        bytes32 statementDigest;
        bytes32 datasetDigest;
        address dedicatedVerifier;
        uint32 samples;
        uint32 proofLength;
        uint8 committedPoints;
        uint8 witnessPoints;
        uint8 checks;
    }

    /// @notice How a circuit came into the registry.
    /// @param publisher who sealed its data set beforehand; zero when the set counts as known in advance.
    /// @param registeredBlock when its description became public here.
    /// @param closingBlock the last block in which a model could be registered without the set being known; zero when
    /// it was not sealed.
    // Layout: | publisher 160 | registeredBlock 48 | closingBlock 48 |
    struct Registration {
        address publisher;
        uint48 registeredBlock;
        uint48 closingBlock;
    }

    /// @notice A data set's digest, promised under a salt.
    // Layout: | sealedBlock 48 | closingBlock 48 | free 160 |
    struct Seal {
        uint48 sealedBlock;
        uint48 closingBlock;
    }

    /// @notice What a contract needs to know of a circuit before it hands a proof to `verify`.
    struct Gate {
        uint32 samples;
        uint8 committedPoints;
        uint8 witnessPoints;
        uint8 checks;
        uint48 closingBlock;
    }

    /// @notice `circuitId` was registered; `publisher` is zero when its set was not sealed.
    event CircuitRegistered(
        bytes32 indexed circuitId, bytes32 indexed datasetDigest, address indexed publisher, Circuit circuit
    );

    /// @notice `publisher` sealed a data set until after `closingBlock`.
    event SetSealed(address indexed publisher, bytes32 indexed seal, uint48 closingBlock);

    /// @notice No circuit has this id.
    error CircuitUnknown(bytes32 circuitId);
    /// @notice The circuit is registered already.
    error CircuitAlreadyRegistered(bytes32 circuitId);
    /// @notice The digest of the verifying key is zero.
    error NoVkaDigest();
    /// @notice The digest of the statement is zero.
    error NoStatementDigest();
    /// @notice The data set has no sample.
    error NoSamples();
    /// @notice The proof commits to nothing that a challenge could bind.
    error NoCommittedPoints();
    /// @notice More than `maximum` points of a kind.
    error TooManyPoints(uint256 committedPoints, uint256 witnessPoints, uint256 maximum);
    /// @notice More than `maximum` checks.
    error TooManyChecks(uint256 checks, uint256 maximum);
    /// @notice A proof of `length` bytes cannot be: not whole words, shorter than its points or longer than `maximum`.
    error ProofLengthInvalid(uint256 length, uint256 minimum, uint256 maximum);
    /// @notice There is no code at the verifier's address.
    error VerifierWithoutCode(address verifier);
    /// @notice A code hash was given, and no verifier that could have it.
    error CodeHashWithoutVerifier(bytes32 codeHash);
    /// @notice The verifier's code is not the code that the circuit is registered with.
    error VerifierCodeMismatch(address verifier, bytes32 expected, bytes32 actual);
    /// @notice The sender sealed this before.
    error AlreadySealed(address publisher, bytes32 seal);
    /// @notice The sender never made this seal.
    error SealUnknown(address publisher, bytes32 seal);
    /// @notice A seal cannot close in the past.
    error ClosingBlockPassed(uint256 closingBlock, uint256 currentBlock);
    /// @notice The seal may be opened only after `closingBlock`.
    error StillSealed(uint256 closingBlock, uint256 currentBlock);
    /// @notice The proof's length is not the circuit's.
    error ProofLengthMismatch(uint256 expected, uint256 actual);
    /// @notice The verifying-key artefact is not the circuit's.
    error VkaMismatch(bytes32 expected, bytes32 actual);
    /// @notice A dedicated verifier takes no verifying-key artefact, and `words` words were given.
    error VkaNotExpected(uint256 words);
    /// @notice The reusable verifier does not know the artefact yet: call its `registerVka` first (anyone may).
    error VkaNotRegistered(bytes32 vkaDigest);

    /// @notice Registers a circuit whose data set counts as known in advance.
    function register(Circuit calldata circuit) external returns (bytes32 circuitId);

    /// @notice Promises a data set before showing it. Models registered up to `closingBlock` were fixed before the set
    /// was shown, as far as the publisher kept it secret: nobody can prove that on chain, so claims name the
    /// publisher.
    /// @param seal `keccak256(abi.encode(publisher, datasetDigest, salt))` with a random salt.
    /// @param closingBlock the opening is refused up to this block, so that a model cannot be registered between the
    /// moment in which the opening transaction is seen and the moment in which it is mined.
    function sealSet(bytes32 seal, uint48 closingBlock) external;

    /// @notice Opens the sender's seal and registers a circuit on the set. Its id also covers the sender, so a copy of
    /// the description neither takes the publisher's place nor blocks it.
    function registerSealed(Circuit calldata circuit, bytes32 salt) external returns (bytes32 circuitId);

    /// @notice Whether the circuit's verifier accepts the proof. False means that the proof is false; anything that
    /// keeps it from being checked reverts.
    /// @param instances the public inputs; each must be below the field's modulus.
    /// @param vka the verifying-key artefact's words for the reusable verifier; empty for a dedicated one.
    function verify(bytes32 circuitId, bytes calldata proof, uint256[] calldata instances, bytes32[] calldata vka)
        external
        view
        returns (bool valid);

    /// @notice A circuit's description.
    function circuitOf(bytes32 circuitId) external view returns (Circuit memory circuit);

    /// @notice How a circuit came into the registry.
    function registrationOf(bytes32 circuitId) external view returns (Registration memory registration);

    /// @notice What a consuming contract reads, in two storage slots.
    function gateOf(bytes32 circuitId) external view returns (Gate memory gate);

    /// @notice A publisher's seal; zeros if there is none.
    function sealOf(address publisher, bytes32 seal) external view returns (Seal memory);

    /// @notice `keccak256(abi.encode(CIRCUIT_DOMAIN, circuit, publisher))`, publisher zero if the set is not sealed.
    function idOf(Circuit calldata circuit, address publisher) external pure returns (bytes32 circuitId);
}
