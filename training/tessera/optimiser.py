"""Adam for most weights, Muon for the trunk's convolutions: one object with the interface of a torch optimiser.

Muon (Jordan et al. 2024) replaces the momentum of a weight matrix by the nearest orthogonal one, found by five
Newton-Schulz steps; with the factor 0.2·sqrt(larger side) its steps are as long as Adam's (Liu et al. 2025).
"""
import torch

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


def orthogonalised(matrix):
    """matrix [rows, columns] -> about U·V^T of its singular value decomposition."""
    a, b, c = NEWTON_SCHULZ
    x = matrix / (matrix.norm() + 1e-12)
    tall = x.shape[0] > x.shape[1]
    if tall:
        x = x.t()
    for _ in range(5):
        square = x @ x.t()
        x = a * x + (b * square + c * square @ square) @ x
    return x.t() if tall else x


class Muon(torch.optim.Optimizer):
    def __init__(self, groups, momentum=0.95):
        super().__init__(groups, {'momentum': momentum})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for parameter in group['params']:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if 'momentum' not in state:
                    state['momentum'] = torch.zeros_like(parameter)
                momentum = state['momentum']
                momentum.mul_(group['momentum']).add_(parameter.grad, alpha=1 - group['momentum'])
                ahead = parameter.grad.lerp(momentum, group['momentum']).flatten(1)
                update = orthogonalised(ahead)
                scale = 0.2 * max(update.shape) ** 0.5
                parameter.add_(update.view_as(parameter), alpha=-group['lr'] * scale)


class Combined:
    """Several optimisers as one."""

    def __init__(self, *optimisers):
        self.optimisers = [optimiser for optimiser in optimisers if optimiser.param_groups]

    @property
    def param_groups(self):
        return [group for optimiser in self.optimisers for group in optimiser.param_groups]

    def zero_grad(self, set_to_none=True):
        for optimiser in self.optimisers:
            optimiser.zero_grad(set_to_none=set_to_none)

    def step(self):
        for optimiser in self.optimisers:
            optimiser.step()

    def state_dict(self):
        return [optimiser.state_dict() for optimiser in self.optimisers]

    def load_state_dict(self, states):
        for optimiser, state in zip(self.optimisers, states):
            optimiser.load_state_dict(state)


def build(groups, muon):
    """`groups` as Codec.parameter_groups returns them; with `muon` the trunk's 4-d weights leave the group 'analysis'."""
    if not muon:
        return torch.optim.Adam(groups, betas=(0.9, 0.99), foreach=True)
    adam, orthogonal = [], []
    for group in groups:
        if group['name'] != 'trunk':
            adam.append(group)
            continue
        matrices = [p for p in group['params'] if p.ndim == 4]
        orthogonal.append({**group, 'params': matrices})
        adam.append({**group, 'params': [p for p in group['params'] if p.ndim != 4]})
    return Combined(torch.optim.Adam(adam, betas=(0.9, 0.99), foreach=True), Muon(orthogonal))
