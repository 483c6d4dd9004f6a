// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRounds} from "../../../contracts/freezenet/IRounds.sol";
import {ITaskRegistry} from "../../../contracts/freezenet/ITaskRegistry.sol";
import {Rounds} from "../../../contracts/freezenet/Rounds.sol";
import {ForgeTest} from "../Forge.sol";
import {TaskOracle} from "./TaskOracle.sol";

interface ISymbols {
    function enableSymbolicStorage(address account) external;
}

/// @notice Rounds for halmos: every slot of the contract, its ether, the task, the verdicts, the block, the sender and
/// what is sent are symbols. So a theorem holds of any state, and of more states than calls can lead to.
abstract contract RoundsTheory is ForgeTest {
    ISymbols private constant SYMBOLS = ISymbols(address(uint160(uint256(keccak256("svm cheat code")))));

    TaskOracle internal oracle;
    Rounds internal rounds;

    struct Run {
        uint256 taskId;
        uint256 round;
        uint48 currentBlock;
        address sender;
        uint96 held;
        uint96 purse;
        uint96 value;
    }

    struct Balances {
        uint256 held;
        uint256 sender;
        uint256 other;
        uint256 senderCredit;
        uint256 otherCredit;
        uint256 burned;
    }

    function setUp() public {
        oracle = new TaskOracle();
        rounds = new Rounds(ITaskRegistry(address(oracle)));
        vm.etch(address(rounds), _withAnyBlockhash(address(rounds).code));
        SYMBOLS.enableSymbolicStorage(address(oracle));
        SYMBOLS.enableSymbolicStorage(address(rounds));
    }

    /// @dev The call succeeds; a refused one changes nothing. Senders have no code: one with code that calls back makes
    /// another call, of which the theorems hold as well.
    function _call(Run memory run, address other, bytes memory message)
        internal
        returns (Balances memory before, Balances memory later)
    {
        vm.assume(_isAccount(run.sender) && _isAccount(other) && other != run.sender);
        vm.deal(address(rounds), run.held);
        vm.deal(run.sender, run.purse);
        vm.roll(run.currentBlock);
        before = _balances(run.sender, other);
        vm.prank(run.sender);
        (bool success,) = address(rounds).call{value: run.value}(message);
        vm.assume(success);
        later = _balances(run.sender, other);
    }

    /// @dev The verifier of the round is the oracle.
    function _assumeVerifier(Run memory run) internal view {
        vm.assume(address(rounds.roundOf(run.taskId, run.round).verifier) == address(oracle));
    }

    function _sponsorOf(Run memory run) internal view returns (address) {
        return oracle.taskOf(run.taskId).sponsor;
    }

    /// @dev Of one word: of a task with 249 to 256 samples.
    function _revealing(Run memory run, IRounds.Solution memory solution, bytes32 salt, bytes32 answers)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encodeCall(IRounds.reveal, (run.taskId, run.round, solution, salt, abi.encode(answers)));
    }

    /// @dev Halmos 0.3.3 cannot run BLOCKHASH. BALANCE takes and gives one word as well and changes nothing either; with
    /// it the hash is a symbol, which may be zero. Every other byte is that of the contract deployed.
    function _withAnyBlockhash(bytes memory code) private pure returns (bytes memory) {
        uint256 replaced;
        // Instruction by instruction, so that no byte of a constant is taken for one.
        assembly ("memory-safe") {
            let end := add(add(code, 32), mload(code))
            for { let at := add(code, 32) } lt(at, end) { at := add(at, 1) } {
                let operation := byte(0, mload(at))
                switch operation
                case 0x40 {
                    mstore8(at, 0x31)
                    replaced := add(replaced, 1)
                }
                default { if eq(shr(5, operation), 3) { at := add(at, sub(operation, 0x5f)) } }
            }
        }
        assert(replaced == 1);
        return code;
    }

    function _balances(address sender, address other) private view returns (Balances memory) {
        return Balances({
            held: address(rounds).balance,
            sender: sender.balance,
            other: other.balance,
            senderCredit: rounds.creditOf(sender),
            otherCredit: rounds.creditOf(other),
            burned: rounds.burned()
        });
    }

    function _isAccount(address account) private view returns (bool) {
        return account != address(rounds) && account != address(oracle) && account != address(this)
            && account != address(vm) && account != address(SYMBOLS);
    }
}
