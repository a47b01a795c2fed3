package login

import (
	"context"
	"strings"
)

// input is one cell of the conversation table: in this step, this is what the person did.
type input struct {
	step   Step
	action Action
}

// move takes a login from one step to its next reply.
type move func(*Engine, context.Context, *turn) (Reply, error)

// conversation is the table of doc.go. What is not in it leaves the login where it is: the step is
// asked again and nothing counts.
func conversation() map[input]move {
	return map[input]move{
		{StepOTP, ActionAnswer}: (*Engine).answerOTP,
		{StepOTP, ActionResend}: (*Engine).askAgain,
		{StepOTP, ActionCancel}: (*Engine).cancel,

		{StepRegisterTOTP, ActionAnswer}: (*Engine).answerRegistration,
		{StepRegisterTOTP, ActionResend}: (*Engine).askAgain,
		{StepRegisterTOTP, ActionCancel}: (*Engine).cancel,
	}
}

// action returns what the person wants: what the client says in so many words, or else what they
// typed. An empty answer asks again, as does "r".
func (a Answer) action() Action {
	if a.Action != ActionAnswer {
		return a.Action
	}
	switch strings.ToLower(strings.TrimSpace(a.Text)) {
	case "", "r":
		return ActionResend
	}
	return ActionAnswer
}
