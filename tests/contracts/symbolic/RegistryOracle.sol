// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAccuracyRegistry} from "../../../contracts/zk/IAccuracyRegistry.sol";
import {ICircuitRegistry} from "../../../contracts/zk/ICircuitRegistry.sol";
import {IModelRegistry} from "../../../contracts/zk/IModelRegistry.sol";

/// @notice All three registries as far as a bounty asks them, with whatever answers a proof puts in: what holds of the
/// bounty's payments over it does not hang on the registries being right.
contract RegistryOracle {
    ICircuitRegistry.Seal private _seal;
    ICircuitRegistry.Circuit private _circuit;
    ICircuitRegistry.Registration private _registration;
    IModelRegistry.Model private _model;
    IAccuracyRegistry.Claim private _claim;

    function setSeal(ICircuitRegistry.Seal calldata seal) external {
        _seal = seal;
    }

    function setCircuit(ICircuitRegistry.Circuit calldata circuit, ICircuitRegistry.Registration calldata registration)
        external
    {
        _circuit = circuit;
        _registration = registration;
    }

    function setModel(IModelRegistry.Model calldata model, IAccuracyRegistry.Claim calldata claim) external {
        _model = model;
        _claim = claim;
    }

    // solhint-disable-next-line func-name-mixedcase
    function MODELS() external view returns (address) {
        return address(this);
    }

    // solhint-disable-next-line func-name-mixedcase
    function CIRCUITS() external view returns (address) {
        return address(this);
    }

    function sealOf(address, bytes32) external view returns (ICircuitRegistry.Seal memory) {
        return _seal;
    }

    function gateOf(bytes32) external view returns (ICircuitRegistry.Gate memory gate) {
        gate.samples = _circuit.samples;
    }

    function circuitOf(bytes32) external view returns (ICircuitRegistry.Circuit memory) {
        return _circuit;
    }

    function registrationOf(bytes32) external view returns (ICircuitRegistry.Registration memory) {
        return _registration;
    }

    function modelOf(bytes32) external view returns (IModelRegistry.Model memory) {
        return _model;
    }

    function claimOf(bytes32, bytes32) external view returns (IAccuracyRegistry.Claim memory) {
        return _claim;
    }
}
